"""The lossless layer: what a JPEG lacks of its RAW, coded to the last bit, in integers only."""
