"""``broker deliveries``: what businesses are told, what waits, and what was given up."""

from __future__ import annotations

import argparse
import json

from broker.actions.broker import Broker
from broker.commands.opening import FAILED, command, group, looked_at, opened
from broker.core.delivery import State
from broker.errors import CommandRefused
from broker.proof.receipt import timestamp
from broker.store.deliveries import Delivery, backlogs, find_deliveries, revive
from broker.store.streams import find_stream
from broker.store.transaction import Transaction

#: Events that are listed, at most: who needs more asks for a client's.
_MOST = 1000
_LIST = """\
Without an option: a line for each client that is not up to date, with how its
stream stands. With one: a line for each event, the earliest first: client,
event, type, when it happened, how often it was tried, and what went wrong last."""
_RETRY = """\
They go out as if nothing had been tried: again and again for 72 hours. An event
that comes after later ones of its account is told by its event_timestamp."""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``broker deliveries ...``."""
    deliveries = group(commands, "deliveries", "list, show or retry what businesses are told of consents")
    listing = command(deliveries, "list", _list, "print what waits, and what was given up", _LIST)
    _client(listing)
    listing.add_argument("--dead", action="store_true", help="events that were given up, and nothing else")
    show = command(deliveries, "show", _show, "print one event as JSON, with what became of it")
    show.add_argument("event_id", metavar="EVENT_ID")
    retry = command(deliveries, "retry", _retry, "let events that were given up go out again", _RETRY)
    _client(retry)
    retry.add_argument("--event", metavar="EVENT_ID", help="this one")


def _client(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--client", metavar="CLIENT_ID", help="of this client")


def _list(asked: argparse.Namespace) -> int:
    _settings, broker = looked_at()
    with broker.database.reading() as tx:
        if asked.dead or asked.client:
            state = State.DEAD if asked.dead else None
            for delivery in find_deliveries(tx, state=state, client_id=asked.client, limit=_MOST):
                print(_line(delivery))
        else:
            _list_clients(tx, broker)
    return 0


def _list_clients(tx: Transaction, broker: Broker) -> None:
    for backlog in backlogs(tx):
        stream = find_stream(tx, backlog.client_id, store=broker.sealer)
        stands = f"{stream.status.value}, {_METHODS[stream.method.value]}" if stream else "no stream"
        since = f" since {timestamp(backlog.oldest)}" if backlog.oldest else ""
        print(f"{backlog.client_id}  {stands}: {backlog.pending} waiting{since}, {backlog.dead} given up")


_METHODS = {"urn:ietf:rfc:8935": "pushed", "urn:ietf:rfc:8936": "polled"}


def _line(delivery: Delivery) -> str:
    problem = f": {delivery.problem}" if delivery.problem else ""
    return (
        f"{delivery.client_id}  {delivery.event_id}  {delivery.kind}  {timestamp(delivery.occurred_at)}"
        f"  {delivery.state.value} after {delivery.attempts} attempts{problem}"
    )


def _show(asked: argparse.Namespace) -> int:
    _settings, broker = looked_at()
    with broker.database.reading() as tx:
        found = find_deliveries(tx, event_id=asked.event_id, limit=1)
    if not found:
        raise CommandRefused("there is no delivery of an event of that id")
    times = ("occurred_at", "first_attempt_at", "next_attempt_at", "ended_at")
    values = vars(found[0]) | {name: _moment(found[0], name) for name in times} | {"state": found[0].state.value}
    print(json.dumps(values, indent=1))
    return 0


def _moment(delivery: Delivery, name: str) -> str | None:
    moment = getattr(delivery, name)
    return timestamp(moment) if moment else None


def _retry(asked: argparse.Namespace) -> int:
    _settings, broker = opened()
    with broker.database.transaction() as tx:
        count = revive(tx, client_id=asked.client, event_id=asked.event, now=broker.now())
    print(f"{count} go out again" if count else "nothing of that was given up")
    return 0 if count else FAILED
