"""The benchmark of matching, a measure a module, and what they share."""
