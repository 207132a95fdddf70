"""The certificate of an erasure, for anybody who has its name: it names nobody."""

from __future__ import annotations

from broker.actions.broker import Broker
from broker.actions.bundle_evidence import bundle_evidence
from broker.core.names import is_id
from broker.errors import NotFound
from broker.proof.bundle import Bundle
from broker.proof.sdjwt import assemble
from broker.store.erasing import find_erasure
from broker.store.transaction import Transaction


def read_certificate(tx: Transaction, broker: Broker, erasure_id: str) -> Bundle:
    """The bundle of a certificate, its account left out; without a proof until a checkpoint holds it."""
    found = find_erasure(tx, erasure_id) if is_id(erasure_id) else None
    if found is None:
        raise NotFound("there is no certificate of that name")
    return bundle_evidence(tx, broker, assemble(found.jwt))
