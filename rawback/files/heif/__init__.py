"""HEIF, the container of HEIC and AVIF pictures."""
