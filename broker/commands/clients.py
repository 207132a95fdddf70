"""``broker clients``: register, list, show, approve, suspend, resume."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from broker.actions.broker import Broker
from broker.actions.change_standing import Change, approve_client, resume_client, suspend_client
from broker.actions.register_client import register_client
from broker.commands.opening import command, group, opened, operator, reason
from broker.core.client import Client, Standing
from broker.core.reading import read_json_object
from broker.errors import NotFound
from broker.proof.receipt import timestamp
from broker.store.clients import find_client, list_clients, list_standings
from broker.store.transaction import Transaction
from broker.web.registration import ClientWire
from broker.web.wire import parse

_REGISTER = """\
schemas/client-registration.json describes the file. The client is printed as
JSON, with its client_id. What the terms refuse is not registered: the clause
stands in brackets, and the status is 1. A doubtful statement of use is
registered as held: look at it with `broker clients show`, then approve it, or
leave it held."""
_APPROVE = """\
Read why it is held first:  broker clients show CLIENT_ID"""
_SUSPEND = """\
From the commit on every request of the client gets 401 with the clause, with
any token. Consents and receipts stay as they are.
Undo it with:  broker clients resume CLIENT_ID --why TEXT"""
_RESUME = """\
A client that was held when it was suspended is held again."""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``broker clients ...``."""
    clients = group(commands, "clients", "register, list, show, approve, suspend or resume the businesses that may ask")
    register = command(clients, "register", _register, "register a client from a JSON file and print it", _REGISTER)
    register.add_argument("file", type=Path, help="the client file")
    command(clients, "list", _list, "print every client, one a line: id, standing, environment, name")
    show = command(clients, "show", _show, "print one client as JSON, with every change of its standing, who and why")
    _client_id(show)
    _changing(clients, "approve", approve_client, "let a held client go: you confirm its doubtful statement", _APPROVE)
    _changing(clients, "suspend", suspend_client, "stop a client at once: no token of it counts from now on", _SUSPEND)
    _changing(clients, "resume", resume_client, "let a suspended client act again", _RESUME)


_Changing = Callable[[Transaction, Broker, str, Change], Client]


def _changing(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    change: _Changing,
    summary: str,
    notes: str,
) -> None:
    def run(asked: argparse.Namespace) -> int:
        _settings, broker = opened()
        with broker.database.transaction() as tx:
            client = change(tx, broker, asked.client_id, Change(who=operator(), why=asked.why))
        print(f"{client.client_id} is {client.standing.value}")
        return 0

    parser = command(commands, name, run, summary, notes)
    _client_id(parser)
    parser.add_argument(
        "--why", required=True, type=reason, metavar="TEXT", help="the reason, written down with your name"
    )


def _client_id(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("client_id", metavar="CLIENT_ID", help="as `broker clients list` prints it")


def _register(asked: argparse.Namespace) -> int:
    settings, broker = opened()
    wire = parse(ClientWire, read_json_object(asked.file.read_bytes()))
    registration = wire.to_core(loopback=settings.loopback)
    with broker.database.transaction() as tx:
        client = register_client(tx, broker, registration)
    _print(_client_json(client))
    if client.standing is Standing.HELD:
        print(f"broker: {client.standing_why}; it may not act until you approve it", file=sys.stderr)
        print(f"broker: broker clients approve {client.client_id} --why TEXT", file=sys.stderr)
    return 0


def _list(_asked: argparse.Namespace) -> int:
    _settings, broker = opened()
    with broker.database.reading() as tx:
        clients = list_clients(tx)
    for client in clients:
        registration = client.registration
        print(
            f"{client.client_id}  {client.standing.value:9}  {registration.environment:7}  {registration.client_name}"
        )
    return 0


def _show(asked: argparse.Namespace) -> int:
    _settings, broker = opened()
    with broker.database.reading() as tx:
        client = find_client(tx, asked.client_id)
        changes = list_standings(tx, asked.client_id)
    if client is None:
        raise NotFound(f"there is no client {asked.client_id!r}")
    history = [
        {"at": timestamp(change.changed_at), "standing": change.standing.value, "who": change.who, "why": change.why}
        for change in changes
    ]
    _print({**_client_json(client), "standings": history})
    return 0


def _print(value: dict[str, object]) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


def _client_json(client: Client) -> dict[str, object]:
    registration = dict(vars(client.registration))
    scopes = registration.pop("scopes")
    why = {"standing_why": client.standing_why} if client.standing_why else {}
    return {
        "client_id": client.client_id,
        "standing": client.standing.value,
        **why,
        **registration,
        "scope": " ".join(scopes),
    }
