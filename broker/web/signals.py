"""What a browser says for its person with every request: Global Privacy Control."""

from __future__ import annotations

from flask import request


def signalled() -> bool:
    """Whether the browser sends ``Sec-GPC: 1``, once or again; any other value says nothing (W3C GPC, section 3)."""
    sent = request.headers.get("Sec-GPC", "").split(",")
    return all(value.strip(" \t") == "1" for value in sent)
