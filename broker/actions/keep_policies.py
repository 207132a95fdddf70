"""Keep the texts of the documents in force, before anything is decided under them."""

from __future__ import annotations

from broker.actions.broker import Broker
from broker.store.policy_texts import PolicyText, keep_text, kept_digests


def keep_policies(broker: Broker) -> None:
    """Keep every document that this broker decides by; most times all are kept, and nothing is written."""
    with broker.database.reading() as tx:
        kept = kept_digests(tx)
    fresh = [policy for policy in broker.policies.by_platform.values() if policy.ref.digest not in kept]
    if not fresh:
        return
    with broker.database.transaction() as tx:
        for policy in fresh:
            text = broker.policies.texts[policy.ref.digest]
            keep_text(tx, PolicyText(ref=policy.ref, text=text, first_used_at=broker.now()))
