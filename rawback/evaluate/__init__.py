"""Measuring: round trips on the user's own RAW files, beside other methods, as a table or a page."""
