"""An event as its client gets it, by push and by poll alike: a SET, signed anew each time and always the same."""

from __future__ import annotations

from collections.abc import Sequence

from broker.actions.broker import Broker
from broker.core.delivery import KINDS, VERIFICATION, Stream, event_uri
from broker.proof.secevent import SetClaims, about_receipt, about_stream, sign_set
from broker.store.deliveries import Delivery


def sign_delivery(broker: Broker, delivery: Delivery) -> str:
    """Return the SET of an event. No account, handle or identifier is in it; the receipt it names is the client's."""
    of_stream = delivery.kind == VERIFICATION
    moment = {} if of_stream else {"event_timestamp": int(delivery.occurred_at.timestamp())}
    claims = SetClaims(
        issuer=broker.issuer,
        event_id=delivery.event_id,
        audience=delivery.client_id,
        txn=delivery.txn,
        sub_id=about_stream(delivery.about) if of_stream else about_receipt(broker.issuer, delivery.about),
        uri=event_uri(broker.issuer, delivery.kind),
        told={**moment, **delivery.told},
        occurred_at=delivery.occurred_at,
    )
    return sign_set(claims, broker.keys.receipts)


def sorted_out(broker: Broker, stream: Stream, found: Sequence[Delivery]) -> tuple[list[Delivery], list[str]]:
    """Part what goes on a stream from the ids of what the stream does not ask for."""
    wanted = stream.delivered([event_uri(broker.issuer, kind) for kind in KINDS])
    wanted.append(event_uri(broker.issuer, VERIFICATION))
    goes = [delivery for delivery in found if event_uri(broker.issuer, delivery.kind) in wanted]
    stays = [delivery.event_id for delivery in found if event_uri(broker.issuer, delivery.kind) not in wanted]
    return goes, stays
