"""A camera's look, learned from RAW files and the JPEGs that the camera made of them."""
