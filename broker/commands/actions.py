"""``broker actions``: what businesses said that they did once a consent had ended, and who is late."""

from __future__ import annotations

import argparse
import json

from broker.actions.list_confirmations import Late, late_answers
from broker.commands.opening import FAILED, command, group, looked_at
from broker.proof.receipt import timestamp
from broker.store.actions import list_actions

#: Statements that are listed, at most; who needs more asks for a client's.
_MOST = 1000
_LIST = """\
A line for each statement, the latest first: client, event, what was done and
when, and when it was received. Each is kept whole, as signed, in the log."""
_LATE = """\
A line for each event that asks for an answer and has none within the time that
its client agreed on (action_within of its registration): client, event, type,
when it was due, and the business's name. Status 1 when there is any.
Each has a contact:  broker clients show CLIENT_ID"""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``broker actions ...``."""
    actions = group(
        commands, "actions", "list what businesses did once a consent had ended, or who has not said so in time"
    )
    listing = command(actions, "list", _list, "print what businesses said that they did", _LIST)
    listing.add_argument("--client", metavar="CLIENT_ID", help="of this client")
    late = command(actions, "late", _late, "print who has not said in time what they did", _LATE)
    late.add_argument("--json", action="store_true", help="as a JSON list")


def _list(asked: argparse.Namespace) -> int:
    _settings, broker = looked_at()
    with broker.database.reading() as tx:
        found = list_actions(tx, client_id=asked.client, limit=_MOST)
    for said in found:
        done, received = timestamp(said.done_at), timestamp(said.received_at)
        print(f"{said.client_id}  {said.event_id}  {said.action} at {done}, received {received}")
    return 0


def _late(asked: argparse.Namespace) -> int:
    _settings, broker = looked_at()
    with broker.database.reading() as tx:
        late = late_answers(tx, now=broker.now())
    if asked.json:
        print(json.dumps([_members(it) for it in late], indent=1, ensure_ascii=False))
    else:
        for it in late:
            said = _members(it)
            print(f"{said['client_id']}  {said['event']}  {said['type']}  due {said['due_at']}  {said['client_name']}")
    return FAILED if late else 0


def _members(late: Late) -> dict[str, str]:
    return {
        "client_id": late.client.client_id,
        "client_name": late.client.registration.client_name,
        "event": late.event.event_id,
        "type": late.event.kind,
        "occurred_at": timestamp(late.event.occurred_at),
        "due_at": timestamp(late.due_at),
    }
