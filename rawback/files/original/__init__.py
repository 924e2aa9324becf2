"""What a RAW says beside its pixels: collected from it, packed into the JPEG, merged with edits, written back into the DNG."""
