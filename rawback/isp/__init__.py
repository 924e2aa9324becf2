"""The bijection between a mosaic and extended sRGB: numpy only, no files."""
