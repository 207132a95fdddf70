"""Reports over rows and sheets: numbers, and people each counted once, whatever is in memory at a time."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from builders import NOON
from sheets import OUTCOMES, a_sheet, digest, entries, names
from sqlalchemy import insert

from broker.core.sheet import Entries
from broker.store.database import Database
from broker.store.reports import Count, Scope, count_decisions
from broker.store.sheets import save_sheet
from broker.store.sheets_counting import Part
from broker.store.sheets_erasing import blank_in_sheets
from broker.store.tables import DecisionRow

PEOPLE = [digest(name) for name in names(150)]
CLIENTS = ("shop", "other")
DAY = timedelta(days=1)
NAMES = {
    None: ("",),
    "ground": ("consent", "public", "no_basis", "withdrawn"),
    "purpose": ("customer-care", "newsletter", "contact"),
    "client": CLIENTS,
    "clause": ("MATCH-1", "MATCH-2", "MATCH-3", "MATCH-4"),
}
Answer = dict[str, Any]


def a_history(database: Database, chance: Random) -> list[Answer]:
    """Answer people in rows and in sheets; return the answers one by one."""
    told: list[Answer] = []
    with database.transaction() as tx:
        for number in range(60):
            client, size = chance.choice(CLIENTS), chance.choice((1, 3, 40, 200))
            whom = chance.choices(PEOPLE, k=size)
            kinds = [chance.randrange(3) for _ in whom]
            made = Entries(accounts=whom, identifiers=whom, outcomes=kinds, grounds=["it"] * size,
                           led_to=[(0, chance.choice(PEOPLE))])  # fmt: skip
            at = NOON + chance.choice((-DAY, 0 * DAY, DAY))
            save_sheet(tx, a_sheet(made, sheet_id=f"{number}", client_id=client, at=at))
            told += [{**vars(OUTCOMES[kind]), "account": who, "client": client, "at": at}
                     for who, kind in zip(whom, kinds, strict=True)]  # fmt: skip
        alone = [{**vars(OUTCOMES[chance.randrange(3)]), "account": who, "client": chance.choice(CLIENTS), "at": NOON}
                 for who in chance.choices(PEOPLE, k=80)]  # fmt: skip
        tx.execute(insert(DecisionRow), [_row(number, answer) for number, answer in enumerate(alone)])
    return told + alone


def _row(number: int, answer: Answer) -> Answer:
    rest = {name: value for name, value in answer.items() if name not in {"client", "at"}}
    return {**rest, "clauses": list(answer["clauses"]), "decision_id": f"row {number}", "act": "match",
            "client_id": answer["client"], "identifier": b"i", "decided_at": answer["at"], "grant_id": None,
            "association_id": None}  # fmt: skip


def expected(answers: list[Answer], scope: Scope, by: str | None) -> list[Count]:
    """Count as one would by hand."""
    found: dict[str, list[bytes]] = defaultdict(list)
    for answer in answers:
        if scope.since <= answer["at"] < scope.until and scope.client_id in {None, answer["client"]}:
            for name in {None: [""], "ground": [answer["basis"] or answer["reason"]], "purpose": [answer["purpose"]],
                         "client": [answer["client"]], "clause": answer["clauses"]}[by]:  # fmt: skip
                found[name].append(answer["account"])
    return [Count(name=name, number=len(found[name]), people=len(set(found[name]))) for name in NAMES[by]]


@pytest.mark.parametrize("at_once", [1_000_000, 700, 100])
def test_rows_and_sheets_are_counted_as_one(database: Database, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("broker.store.reports.AT_ONCE", at_once)
    answers = a_history(database, Random(at_once))  # noqa: S311 - a test wants its run again
    gone = set(PEOPLE[:20])
    for left in (answers, [answer for answer in answers if answer["account"] not in gone]):
        for client_id, by in (
            (None, None),
            ("shop", "ground"),
            (None, "purpose"),
            (None, "client"),
            ("other", "clause"),
        ):
            scope = Scope(since=NOON - DAY, until=NOON + DAY, client_id=client_id)
            with database.reading() as tx:
                assert expected(left, scope, by) == count_decisions(tx, scope, by, NAMES[by])
        with database.transaction() as tx:
            blank_in_sheets(tx, gone)
            tx.execute(DecisionRow.__table__.delete().where(DecisionRow.__table__.c.account.in_(gone)))  # type: ignore[attr-defined] # SQLModel hides the table


@pytest.mark.parametrize("of", [1, 2, 3, 7, 100])
def test_every_account_is_in_one_part(of: int) -> None:
    parts = [Part(number, of) for number in range(of)]
    for account in (b"\0" * 16, b"\xff" * 16, *PEOPLE, *(part.first.ljust(16, b"\0") for part in parts)):
        assert 1 == sum(part.first <= account < part.end for part in parts)


def test_what_is_in_no_sheet_is_counted_by_the_database_alone(database: Database) -> None:
    with database.transaction() as tx:
        save_sheet(tx, a_sheet(entries(PEOPLE), at=NOON + DAY))
    with database.reading() as tx:
        assert [Count(name="", number=0, people=0)] == count_decisions(
            tx, Scope(since=NOON, until=NOON + DAY, client_id=None)
        )
