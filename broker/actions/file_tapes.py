"""Tapes are filed: what workers answered one by one becomes decisions, or a sheet where they are many.

A tape is filed whole, in one transaction that also writes its name down; after it the file is deleted. Killed between
the two, whoever finds the file again finds its name too.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from broker.actions.broker import Broker
from broker.core.sheet import Entries, Entry, Outcome, Packed, decision_row, pack
from broker.core.tape import OnTape, read_tape
from broker.store.decisions import save_decisions
from broker.store.filing import grants_of, is_anybody_erased, note_filed
from broker.store.pairs import from_microseconds
from broker.store.sheets import Sheet, save_sheet
from broker.store.tapes import Found, found_tapes
from broker.store.transaction import Transaction

_CONSENT = "consent"
#: Answers of one client on one tape that are rows of their own; more are a sheet.
FEW = 500
#: By how much the clocks of two machines differ at most.
_CLOCKS = timedelta(hours=1)
log = logging.getLogger(__name__)


def file_tapes(broker: Broker, *, at_once: bool = False) -> int:
    """File every tape that there is, and say how many answers those held.

    *at_once* asks workers for the tapes they write to: then all that was answered before is found in the database.
    Raises :class:`broker.errors.Unavailable` where it could not be recorded; a tape that was not filed stays.
    """
    if broker.recorder is None:
        return 0
    if at_once:
        broker.recorder.let_go()
    with closing(found_tapes(broker.recorder.folder, broker.recorder.instance, at_once=at_once)) as tapes:
        return sum(_file(broker, tape, in_turn=not at_once) for tape in tapes)


def _file(broker: Broker, tape: Found, *, in_turn: bool) -> int:
    content = read_tape(tape.read())
    if content.damaged is not None:
        log.critical("tape %s is damaged from byte %d on; what is before it is filed", tape.name, content.damaged)
    in_order = sorted(content.answers, key=attrgetter("sheet_id", "place"))
    # Before the transaction: all that takes long is done while nobody waits.
    parts = [_part(list(same)) for _sheet_id, same in groupby(in_order, key=attrgetter("sheet_id"))]
    with broker.database.transaction(in_turn=in_turn) as tx:
        if note_filed(tx, tape.name, now=broker.now()):
            _save(tx, parts)
    tape.remove(damaged=content.damaged is not None)
    return len(content.answers)


class _Part(NamedTuple):
    """What one client was answered on a tape; many answers as a sheet, ready to be written."""

    answers: Sequence[OnTape]
    sheet: tuple[Sheet, Packed] | None


def _part(answers: Sequence[OnTape]) -> _Part:
    if len(answers) <= FEW:
        return _Part(answers, None)
    sheet = _sheet(answers)
    return _Part(answers, (sheet, pack(sheet.entries)))


def _save(tx: Transaction, parts: Sequence[_Part]) -> None:
    gone = _gone(tx, parts)
    for answers, sheet in parts:
        kept = [answer for answer in answers if answer.account not in gone] if gone else answers
        # A sheet has no gaps: where somebody is left out, the others are rows of their own.
        if sheet and len(kept) == len(answers):
            save_sheet(tx, *sheet)
        else:
            save_decisions(tx, [_row(answer) for answer in kept])


def _gone(tx: Transaction, parts: Sequence[_Part]) -> set[bytes]:
    """Who was erased since they were asked about, and is not to be written down anew."""
    answers = [answer for part in parts for answer in part.answers]
    first = min((answer.at for answer in answers), default=None)
    # Seldom anybody is: to look for each consent takes longer than all the rest.
    if first is None or not is_anybody_erased(tx, since=from_microseconds(first) - _CLOCKS):
        return set()
    consented = [answer for answer in answers if answer.outcome.basis == _CONSENT]
    there = grants_of(tx, {answer.account for answer in consented})
    return {answer.account for answer in consented if answer.ground not in there}


def _row(answer: OnTape) -> Mapping[str, Any]:
    entry = Entry(answer.account, answer.identifier, answer.place, 0, led=False, ground=answer.ground)
    outcome = {**vars(answer.outcome), "clauses": list(answer.outcome.clauses)}
    sheet = {"sheet_id": answer.sheet_id, "client_id": answer.client_id, "outcomes": [outcome], "moments": None}
    return decision_row({**sheet, "decided_at": from_microseconds(answer.at)}, entry)


def _sheet(answers: Sequence[OnTape]) -> Sheet:
    begun = min(answer.at for answer in answers)
    outcomes = list(dict.fromkeys(answer.outcome for answer in answers))
    number: dict[Outcome, int] = {outcome: place for place, outcome in enumerate(outcomes)}
    return Sheet(
        sheet_id=answers[0].sheet_id,
        client_id=answers[0].client_id,
        decided_at=from_microseconds(begun),
        outcomes=tuple(outcomes),
        entries=Entries(
            accounts=[answer.account for answer in answers],
            identifiers=[answer.identifier for answer in answers],
            outcomes=[number[answer.outcome] for answer in answers],
            grounds=[answer.ground for answer in answers],
        ),
        moments=b"".join((answer.at - begun).to_bytes(4) for answer in answers),
    )
