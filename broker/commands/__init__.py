"""What an operator types, a file each."""
