"""The compiled core: the innermost loops in C, to the last bit what numpy computes, and used where it is there."""
