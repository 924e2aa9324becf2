"""Whether a JPEG restores a RAW: file compared with file, by readers of their own that share nothing with `rawback.files`."""
