"""Rows: SQLite and PostgreSQL through the same code. Rows never leave this folder, and only it commits.

Every function takes the transaction it works in and gives back core types.
"""
