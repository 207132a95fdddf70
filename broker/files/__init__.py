"""FILES OF QUESTIONS: read in chunks, answered by processes beside each other, gone on with where they broke off."""
