"""Whose signature counts, for the audit: any key the broker ever had, a compromised one below its place in the log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from broker.proof.sdjwt import header_of
from broker.store.auditing import Walk
from broker.store.auditing_log import index_of_leaf

_OF_STATE = ("revoked", "key_ops")


class JudgedKeys:
    """A key set that verifies, and what is still to be asked of what compromised keys signed."""

    def __init__(self, jwks: Mapping[str, Any]) -> None:
        keys = jwks["keys"]
        self.jwks = {"keys": [{name: jwk[name] for name in jwk if name not in _OF_STATE} for jwk in keys]}
        self._sizes = {jwk["kid"]: jwk["revoked"]["log_size"] for jwk in keys if "revoked" in jwk}

    def fault(self, audit: Walk, jwt: str, leaf: bytes) -> str | None:
        """Say that a verified *jwt* does not count, its key being compromised by then; None when it does."""
        size = self._sizes.get(header_of(jwt)["kid"])
        if size is None:
            return None
        index = index_of_leaf(audit, leaf)
        counts = index is not None and index < size
        return None if counts else "its key was compromised before it was in the log"
