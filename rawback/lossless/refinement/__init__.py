"""The refinement layer of `render --layered`: fine luma beside a coarse JPEG."""
