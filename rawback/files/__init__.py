"""What is on disk: RAW, DNG, JPEG and their metadata. No image science."""
