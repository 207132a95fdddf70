"""The faces: a view parses, calls one action, renders; it decides nothing."""
