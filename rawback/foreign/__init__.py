"""Photos: what became of those that rawback rendered, what others may have been, and how these go back to a sensor."""
