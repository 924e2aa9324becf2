"""Clips: folders of RAW frames to movies that contain them, and back."""
