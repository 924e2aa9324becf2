"""The RAW file itself, byte for byte: its pixels coded again from the mosaic as they were, all else kept beside."""
