"""Movies, their sound and time code, and CinemaDNG frames."""
