"""The command line: options, and one library call for each command. Nothing below imports it."""
