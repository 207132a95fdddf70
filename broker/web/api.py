"""What the API's views share: who calls."""

from __future__ import annotations

from flask import current_app, request

from broker.oauth.protector import Caller, Protector
from broker.store.database import Transaction


def caller(tx: Transaction, *, scope: str) -> Caller:
    """Who calls this endpoint, with a token good for *scope*."""
    protector: Protector = current_app.extensions["protector"]
    return protector.caller(tx, request, scope=scope)
