"""How the learned parts are made. Needs the extra "train"; nothing above imports this."""
