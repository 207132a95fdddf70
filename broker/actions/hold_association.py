"""What a client holds without consent: reading it, and giving it up."""

from __future__ import annotations

from broker.core.blinding import DIGEST_SIZE
from broker.core.client import Client
from broker.core.match import Ground
from broker.errors import NotFound
from broker.store.grounds import drop_ground, find_ground
from broker.store.routes import ASSOCIATION, drop_route, find_route
from broker.store.transaction import Transaction

_NOBODY = bytes(DIGEST_SIZE)


def find_association(tx: Transaction, client: Client, association_id: str) -> Ground:
    """Return the client's own association. Another client's reads like none, and takes the same statements."""
    route = find_route(tx, ASSOCIATION, association_id)
    account = route.account if route else _NOBODY
    ground = find_ground(tx, account, association_id, client_id=client.client_id)
    if ground is None:
        raise NotFound("this client holds no association of that id")
    return ground


def give_up_association(tx: Transaction, client: Client, association_id: str) -> None:
    """Let the client give it up; its statement stays what it was."""
    ground = find_association(tx, client, association_id)
    drop_ground(tx, ground.account, association_id, client_id=client.client_id)
    drop_route(tx, ASSOCIATION, association_id)
