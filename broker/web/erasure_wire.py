"""The payload of an erasure's certificate as a model: what its JSON Schema is exported from."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from broker.web.receipt_wire import PartyWire
from broker.web.wire import Wire


class TrailWire(Wire):
    """The entries of the trail that lost key and salt: how many, and SHA-256 over their digests, sorted."""

    entries: int = Field(ge=0)
    sha256: str


class ErasureWire(Wire):
    """What was erased, by whose act, and what stays; rows are counted by kind."""

    erasure_id: str
    operation: Literal["dpv:Erase"]
    right: str
    time: str
    by: Literal["person", "operator"]
    erased_by: PartyWire
    withdrawn: int = Field(ge=0)
    destroyed: dict[str, int]
    kept: dict[str, int]
    objection_kept: bool
    trail: TrailWire
    storage_epoch: int = Field(ge=0)
    replayed: bool


class CertificateWire(Wire):
    """The certificate of an erasure. The account is a disclosure in the person's own copy, and nowhere else."""

    iss: str
    jti: str
    iat: int
    vct: str
    erasure: ErasureWire
    sd_alg: Literal["sha-256"] = Field(alias="_sd_alg")
    sd: list[str] = Field(alias="_sd")
