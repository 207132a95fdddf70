"""``broker redistribute``: whole objects are handed over by a person at a terminal, never by a program."""

from __future__ import annotations

import argparse
import sys

from broker.actions.broker import Broker
from broker.actions.redistribute import HYDRATED, IDS, Handover, hand_over
from broker.commands.opening import command, opened, operator
from broker.core.client import Client
from broker.core.names import fold_name
from broker.errors import CommandRefused, NotFound
from broker.proof.receipt import timestamp
from broker.store.clients import find_client
from broker.store.recipients import Recipient, hold_recipient
from broker.store.transaction import Transaction

#: More at once would not fit into a sum of thirty days.
_DIGITS = 12
_NOTES = """\
It asks you to type the number again, so it runs at a terminal only. Nothing is
sent: it counts, and says how much is left. Where the terms refuse, nothing is
counted, the clause stands in brackets, and the status is 1: do not hand over.

  broker redistribute CLIENT_ID RECIPIENT_ID --kind posts --count 1200"""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``broker redistribute ...``."""
    hand = command(
        commands, "redistribute", _redistribute, "count platform content before you hand it to a recipient", _NOTES
    )
    hand.add_argument("client_id", metavar="CLIENT_ID", help="the application whose content it is")
    hand.add_argument("recipient", metavar="RECIPIENT_ID", help="the recipient, by its id from POST /v1/recipients")
    hand.add_argument("--kind", required=True, choices=[*HYDRATED, *IDS], help="what is handed over")
    hand.add_argument("--count", required=True, type=_count, metavar="N", help="how many")
    hand.add_argument("--public", action="store_true", help="anybody can read it where it goes")


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"give a whole number of at least 1 and at most {_DIGITS} digits")
    return int(text)


def _redistribute(asked: argparse.Namespace) -> int:
    if not sys.stdin.isatty():
        raise CommandRefused("content is handed over by a person: run this at a terminal, without a pipe")
    _settings, broker = opened()
    handover = Handover(
        recipient_id=asked.recipient,
        objects=asked.kind,
        count=asked.count,
        by=operator(),
        person=True,
        public=asked.public,
    )
    _confirm(_question(broker, asked.client_id, handover), str(asked.count))
    with broker.database.transaction() as tx:
        handed = hand_over(tx, broker, _client(tx, asked.client_id), handover)
    remaining = "no ceiling" if handed.remaining is None else f"{handed.remaining} left"
    print(f"counted as {handed.redistribution_id}: {remaining} until {timestamp(handed.window_ends)}")
    return 0


def _question(broker: Broker, client_id: str, handover: Handover) -> str:
    """What the person is asked, with names for the ids that they typed. No lock is held while they think."""
    with broker.database.transaction() as tx:
        client = _client(tx, client_id)
        recipient = _recipient(tx, client, handover.recipient_id)
    what = f"{handover.count} {handover.objects.replace('_', ' ')}"
    whom = f"{recipient.name}{', in public' if handover.public else ''}"
    return f"{client.registration.client_name} hands {what} to {whom}. Type the number again to count it: "


def _client(tx: Transaction, client_id: str) -> Client:
    client = find_client(tx, client_id)
    if client is None or not client.active:
        raise NotFound(f"there is no active client {client_id!r}")
    return client


def _recipient(tx: Transaction, client: Client, recipient_id: str) -> Recipient:
    recipient = hold_recipient(tx, recipient_id, owner=fold_name(client.registration.owner))
    if recipient is None:
        raise NotFound(f"the owner of this client has no recipient {recipient_id!r}")
    return recipient


def _confirm(question: str, expected: str) -> None:
    try:
        answer = input(question)
    except EOFError:
        print()
        answer = ""
    if answer.strip() != expected:
        raise CommandRefused("not confirmed; nothing was counted")
