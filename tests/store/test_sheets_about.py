"""What a person sees of sheets: every answer about them, in its place among those that are rows of their own."""

from __future__ import annotations

from datetime import timedelta

import pytest
from builders import NOON
from sheets import DENIED, ON_CONSENT, a_sheet, digest, entries, names
from sqlalchemy import event

from broker.core.sheet import Entries
from broker.store.database import Database
from broker.store.paging import Place
from broker.store.questions import Told, last_asked, questions_about
from broker.store.sheets import save_sheet
from broker.store.sheets_erasing import blank_in_sheets
from broker.store.tables import DecisionRow
from broker.store.transaction import Transaction
from broker.store.writing import add

JANE, SAM = digest("jane"), digest("sam")
EARLIER = NOON - timedelta(minutes=1)


def saved(database: Database, *sheets: Entries, at: object = NOON, first: str = "a", client_id: str = "shop") -> None:
    """Write sheets down, of one moment, under ids that begin with letters in their order."""
    with database.transaction() as tx:
        for number, sheet in enumerate(sheets):
            name = f"{chr(ord(first) + number)}-sheet2222"
            save_sheet(tx, a_sheet(sheet, sheet_id=name, at=at, client_id=client_id))  # type: ignore[arg-type] # a time


def decided(tx: Transaction, decision_id: str) -> None:
    """Write a denial down that is a row of its own."""
    add(
        tx, DecisionRow, account=JANE, decision_id=decision_id, act="match", client_id="shop", identifier=SAM,
        purpose="newsletter", permitted=False, basis=None, reason="no_basis", clauses=["MATCH-4"], policy_digest="",
        grant_id=None, association_id=None, decided_at=NOON,
    )  # fmt: skip


def crowd(*people: bytes) -> Entries:
    """Some people among others."""
    return entries([*people, *map(digest, names(300))])


def told(database: Database, account: bytes = JANE, **page: object) -> list[Told]:
    """Return what was asked about somebody."""
    with database.reading() as tx:
        return questions_about(tx, account, **page)  # type: ignore[arg-type] # the parameters of a page


def test_an_answer_in_a_sheet_is_told_like_any_other(database: Database) -> None:
    asked = Entries(accounts=[SAM, JANE, JANE], identifiers=[SAM, JANE, SAM],
                    outcomes=[DENIED, ON_CONSENT, DENIED], grounds=[None, "grant", None])  # fmt: skip
    saved(database, asked)
    denied, permitted = told(database)
    assert permitted == Told(
        decision_id="a-sheet2223", client_id="shop", act="match", purpose="customer-care", permitted=True,
        basis="consent", reason=None, clauses=("MATCH-2",), decided_at=NOON, by_handle=False,
        place=Place(NOON, "a-sheet2223"),
    )  # fmt: skip
    assert ("a-sheet2224", False, "no_basis", ("MATCH-4", "MATCH-1")) == (
        denied.decision_id, denied.permitted, denied.reason, denied.clauses,
    )  # fmt: skip
    assert ["a-sheet2222"] == [one.decision_id for one in told(database, SAM)]
    assert [] == told(database, digest("nobody"))


def test_whom_a_handle_led_to_sees_the_question_and_whoever_is_the_handle_only_the_bare_answer(
    database: Database,
) -> None:
    saved(database, entries([digest("a handle"), SAM], led_to=[(0, JANE)]))
    assert [("a-sheet2222", True)] == [(one.decision_id, one.by_handle) for one in told(database)]
    assert [("a-sheet2222", False)] == [(one.decision_id, one.by_handle) for one in told(database, digest("a handle"))]


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 50])
def test_pages_show_each_answer_once_and_in_order_though_all_are_of_one_moment(database: Database, limit: int) -> None:
    saved(database, crowd(JANE), entries([JANE] * 12), crowd(SAM), crowd(JANE, JANE))
    saved(database, crowd(JANE), entries([JANE]), at=EARLIER, first="r")
    saved(database, crowd(JANE), first="p", client_id="other")
    with database.transaction() as tx:
        for name in ("b-sheet", "a", "zz", "b-sheet2225x", "B"):
            decided(tx, name)
    whole = told(database)
    assert 23 == len(whole) == len({one.decision_id for one in whole})
    assert whole == sorted(whole, key=lambda one: one.place, reverse=True)
    paged: list[Told] = []
    before: Place | None = None
    while len(paged) < len(whole) and (page := told(database, before=before, limit=limit)):
        assert len(page) <= limit
        paged, before = paged + page, page[-1].place
    assert (whole, []) == (paged, told(database, before=before, limit=limit))
    assert ["p-sheet2222"] == [one.decision_id for one in told(database, client_id="other")]


def test_who_asked_last_is_known(database: Database) -> None:
    saved(database, crowd(JANE), at=EARLIER)
    saved(database, crowd(JANE), first="b", at=EARLIER, client_id="other")
    with database.transaction() as tx:
        decided(tx, "later")
    saved(database, crowd(SAM), first="c", client_id="third")
    with database.reading() as tx:
        assert {"shop": NOON, "other": EARLIER} == last_asked(tx, JANE)
        assert {} == last_asked(tx, digest("nobody"))


def test_bytes_that_are_an_account_by_accident_are_no_entry(database: Database) -> None:
    saved(database, Entries(accounts=[SAM], identifiers=[JANE], outcomes=[DENIED]))
    assert [] == told(database)


def plans(database: Database) -> list[list[str]]:
    """Return how a database goes about each look into sheets."""
    asked: list[tuple[str, object]] = []

    def note(_connection: object, _cursor: object, statement: str, values: object, *_rest: object) -> None:
        asked.append((statement, values))

    event.listen(database.engine, "before_cursor_execute", note)
    told(database, limit=2)
    told(database, limit=2, before=Place(NOON, "c"), client_id="shop")
    with database.transaction() as tx:
        last_asked(tx, JANE)
        blank_in_sheets(tx, [digest("nobody")])
    event.remove(database.engine, "before_cursor_execute", note)
    explain, step = ("EXPLAIN QUERY PLAN", 3) if database.engine.dialect.name == "sqlite" else ("EXPLAIN", 0)
    with database.reading() as tx:
        looks = [(statement, values) for statement, values in asked if "sheet_entries" in statement]
        return [[row[step] for row in tx.exec_driver_sql(f"{explain} {statement}", values)]  # type: ignore[arg-type] # as the driver was given them
                for statement, values in looks]  # fmt: skip


@pytest.mark.parametrize("analysed", [False, True])
def test_each_sheet_is_looked_into_by_the_key_of_one_group(own_sqlite: Database, *, analysed: bool) -> None:
    saved(own_sqlite, *(crowd(JANE) for _ in range(9)))
    with own_sqlite.transaction() as tx:
        tx.exec_driver_sql("ANALYZE") if analysed else None
    page, *others = plans(own_sqlite)
    assert 3 == len(others)
    by_key = "SEARCH sheet_entries USING INDEX sqlite_autoindex_sheet_entries_1 (sheet_id=? AND number=?)"
    for plan in (page, *others):
        assert {by_key} == {step for step in plan if "sheet_entries" in step}
        assert not [step for step in plan if "BLOOM" in step], plan
    assert not [step for step in page if "TEMP B-TREE" in step], page


@pytest.mark.postgres
def test_each_sheet_is_looked_into_by_the_key_of_one_group_on_postgresql(postgres_database: Database) -> None:
    for first in "ajs":  # enough of them that no planner thinks of reading all
        saved(postgres_database, *(crowd(JANE) for _ in range(9)), first=first)
    with postgres_database.transaction() as tx:
        tx.exec_driver_sql("ANALYZE sheets")
        tx.exec_driver_sql("ANALYZE sheet_entries")
    found = ["\n".join(plan) for plan in plans(postgres_database)]
    assert 4 == len(found)
    for plan in found:
        # In the part that the sheet's own time leads to, and in none of the others.
        assert "Index Scan using sheet_entries_before_" in plan
        assert "AND (decided_at = sheets" in plan
        assert "Seq Scan on sheet_entries_before" not in plan
