"""What travels as evidence, as models: the bundle and the status list token."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from broker.proof.bundle import FORM
from broker.web.wire import Wire


class KeysWire(Wire):
    """Keys that ride along as a hint: a reader takes them from the broker, or nothing is proved."""

    jwks: dict[str, Any]
    vkeys: list[str]


class BundleWire(Wire):
    """``application/vnd.consent-broker.bundle+json``: a receipt or a statement, with its proof in one file.

    ``evidence`` is the SD-JWT. ``proof`` is a ``c2sp.org/tlog-proof@v1``, checkpoint and all; null in the few seconds
    before a checkpoint holds the evidence.
    """

    media_type: str = Field(alias="mediaType", json_schema_extra={"const": FORM})
    evidence: str
    proof: str | None
    keys: KeysWire


class EntriesWire(Wire):
    """``lst`` is base64url of zlib of two bits an entry, from the lowest bit up: 0 valid, 1 invalid, 2 suspended."""

    bits: Annotated[int, Field(json_schema_extra={"const": 2})]
    lst: str


class StatusTokenWire(Wire):
    """The claims of a status list token (``statuslist+jwt``). Times are seconds since 1970."""

    sub: str
    iat: int
    exp: int
    ttl: int = Field(ge=1)
    status_list: EntriesWire


class StatusListsAnswer(Wire):
    """``GET /status``: where every list is."""

    status_lists: list[str]
