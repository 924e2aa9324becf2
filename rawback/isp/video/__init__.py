"""The ISP for frames that a video codec has coded, and motion from frame to frame."""
