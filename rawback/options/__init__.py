"""What a user may choose: each option declared once, as an annotated field, for the library and the command line alike."""
