"""Many files: which they are, where their outputs go, and the processes or machines that do them."""
