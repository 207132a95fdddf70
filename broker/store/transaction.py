"""What verbs are handed: a unit of work on the database, whichever it is; only this folder knows what it can do."""

from __future__ import annotations

from sqlalchemy import Connection

Transaction = Connection
