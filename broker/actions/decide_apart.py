"""Many questions of whoever can wait: looked at while others write, and written down in a moment.

Thousands of questions take a good part of a second, and on SQLite nobody else could write meanwhile, not even a
withdrawal. So they are decided as of one moment (``Database.still``) and only their sheet is written in a transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from broker.actions.broker import Broker
from broker.actions.decide_matches import Answers, decide_matches, look_at_columns
from broker.actions.gather_facts import Question
from broker.actions.sort_questions import Questions
from broker.actions.terms import call_clauses
from broker.core.client import Client, Standing
from broker.core.sheet import Packed, pack
from broker.errors import CommandRefused, NotFound, PolicyRefused, Unavailable
from broker.store.clients import enter_client
from broker.store.erasing import erasure_ids
from broker.store.sheets import Sheet, save_sheet
from broker.store.transaction import Transaction

#: Tags that are put to the terms in one transaction: each writes several rows.
_TAGS = 20
#: How often questions are looked at anew because somebody was erased meanwhile.
_LOOKS = 10


@dataclass(frozen=True)
class _Look:
    """What was found at one moment, not yet on record; ``erased`` are the erasures there had been by then."""

    sheet: Sheet
    packed: Packed
    answers: Answers
    erased: set[str]


def enter_asking(tx: Transaction, broker: Broker, client_id: str) -> Client:
    """Return the client in whose name an operator asks, and bind the transaction to it; raise where it may not ask."""
    client = enter_client(tx, client_id)
    if client is None:
        raise NotFound(f"there is no client {client_id!r}; `broker clients list` prints those there are")
    if client.standing is Standing.SUSPENDED:
        raise PolicyRefused(f"the client {client_id} is suspended", clauses=call_clauses(broker, client))
    if not client.active:
        raise CommandRefused(f"the client {client_id} is held: approve it first, or leave it held")
    if "match" not in client.registration.scopes:
        raise CommandRefused(f"the client {client_id} did not register the scope 'match'")
    return client


def decide_apart(broker: Broker, client_id: str, questions: Questions) -> Answers:
    """Answer 1 to 65,536 *questions* without a tag as of one moment, in the order of their places, and record that."""
    for _ in range(_LOOKS):
        look = _looked(broker, client_id, questions)
        if _recorded(broker, look):
            return look.answers
    raise Unavailable("people are being erased all the time; nothing was recorded")


def decide_tagged(broker: Broker, client_id: str, questions: Sequence[Question]) -> list[Answers]:
    """Answer questions that come with a tag, each by itself and some in one transaction, since a tag is kept too."""
    answers: list[Answers] = []
    for begin in range(0, len(questions), _TAGS):
        with broker.database.transaction(in_turn=True, whose=client_id) as tx:
            client = enter_asking(tx, broker, client_id)
            answers += [decide_matches(tx, broker, client, [one]) for one in questions[begin : begin + _TAGS]]
    return answers


def _looked(broker: Broker, client_id: str, questions: Questions) -> _Look:
    with broker.database.still(broker.now, whose=client_id) as (tx, moment):
        then = replace(broker, now=lambda: moment)
        client = enter_asking(tx, then, client_id)
        sheet, answers = look_at_columns(tx, then, client, questions)
        erased = erasure_ids(tx)
    return _Look(sheet, pack(sheet.entries), answers, erased)


def _recorded(broker: Broker, look: _Look) -> bool:
    """Write the sheet down, unless the client may not ask any more; False where it may name who was erased since."""
    client_id = look.sheet.client_id
    with broker.database.transaction(in_turn=True, whose=client_id) as tx:
        enter_asking(tx, broker, client_id)
        if erasure_ids(tx) != look.erased:
            return False
        save_sheet(tx, look.sheet, look.packed)
        return True
