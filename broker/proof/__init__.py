"""Evidence anyone can check: importable with no server or database, on cryptography and joserfc alone."""
