"""What is known of cameras: the installed cards of weights and looks."""
