"""What a platform says of an account afterwards, written down in a transaction of its own."""

from __future__ import annotations

from builders import an_account

from broker.actions.broker import Broker
from broker.actions.follow_account import follow_sighting
from broker.core.identifiers import ProvenAccount
from broker.platforms import Sighting
from broker.store.people import find_person
from broker.store.presences import save_check


def seen(
    broker: Broker,
    account: ProvenAccount | None = None,
    *,
    gone: bool = False,
    handle: str | None = None,
    protected: bool | None = None,
    environment: str = "prod",
) -> tuple[str, ...]:
    """Let the platform say how an account stands; return what changed by that."""
    whose = (account or an_account()).account
    key = broker.blinder.account(whose, environment=environment)
    sighting = Sighting(id=whose.id, gone=gone, handle=handle, protected=protected)
    with broker.database.transaction() as tx:
        person = find_person(tx, broker.sealer, key)
        assert person is not None
        save_check(tx, key, at=broker.now())
        return follow_sighting(tx, broker, person, sighting, environment=environment)
