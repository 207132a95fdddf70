"""Use cases, standings, objections, taints, rulings and messages: what the terms lean on."""

from __future__ import annotations

from datetime import timedelta

from builders import NOON, a_registration, all_at_once, an_id

from broker.core.client import Client, Standing
from broker.core.fingerprint import Fingerprint
from broker.store.clients import claim_use_case, list_standings, save_client, set_standing, standing_before
from broker.store.contacts import ContactMeter, read_meter, save_contact
from broker.store.database import Database
from broker.store.grounds import has_taint, taint_pair
from broker.store.objections import EVERYONE, lift_objection, list_objections, object_to, objected_at
from broker.store.rulings import count_ruling, rulings_between
from broker.store.sweeping import COUNTED, sweep
from broker.store.terms_tables import ContactRow, RulingRow, TaintRow

NORTHWIND, CONTOSO = an_id("northwind"), an_id("contoso")
JANE, BOB = b"jane" * 4, b"bob!" * 4
MOMENT, DAY = timedelta(microseconds=1), timedelta(days=1)


def test_a_use_case_is_the_first_claimants_per_owner_environment_and_claim(database: Database) -> None:
    claimed = [
        ("northwind", "prod", "x newsletter", NORTHWIND), ("northwind", "prod", "x newsletter", CONTOSO),
        ("northwind", "dev", "x newsletter", CONTOSO), ("northwind", "prod", "x contact", CONTOSO),
        ("contoso", "prod", "x newsletter", CONTOSO),
    ]  # fmt: skip
    with database.transaction() as tx:
        holders = [claim_use_case(tx, *key, client_id=client_id) for *key, client_id in claimed]
    assert [NORTHWIND, NORTHWIND, CONTOSO, CONTOSO, CONTOSO] == holders


def test_of_claims_at_once_all_learn_who_has_it(database: Database) -> None:
    def claim(number: int) -> str:
        with database.transaction() as tx:
            return claim_use_case(tx, "northwind", "prod", "x newsletter", client_id=an_id("abcdefgh"[number]))

    assert 1 == len(set(all_at_once(8, claim)))


def test_standings_are_numbered_and_the_one_before_is_found(database: Database) -> None:
    told = [Standing.ACTIVE, Standing.SUSPENDED, Standing.SUSPENDED]
    with database.transaction() as tx:
        assert Standing.ACTIVE is standing_before(tx, NORTHWIND, Standing.SUSPENDED)
        for client_id in (NORTHWIND, CONTOSO):
            client = Client(
                client_id=client_id, registration=a_registration(), standing=Standing.HELD, registered_at=NOON
            )
            save_client(tx, client)
        for day, standing in enumerate(told, 1):
            assert set_standing(tx, NORTHWIND, standing, who="Sam", why=f"day {day}", now=NOON + day * DAY)
        assert not set_standing(tx, an_id("nobody"), Standing.HELD, who="Sam", why="nobody", now=NOON)
        assert Standing.ACTIVE is standing_before(tx, NORTHWIND, Standing.SUSPENDED)
        history = [change for change in list_standings(tx, NORTHWIND) if change.who == "Sam"]
        assert [] == [change for change in list_standings(tx, CONTOSO) if change.who == "Sam"]
    assert told == [change.standing for change in history]
    assert [NOON + day * DAY for day in (1, 2, 3)] == [change.changed_at for change in history]


def test_an_objection_reaches_its_person_and_client_and_the_latest_counts(database: Database) -> None:
    with database.transaction() as tx:
        object_to(tx, JANE, NORTHWIND, why="page", now=NOON)
        object_to(tx, JANE, EVERYONE, why="page", now=NOON + DAY)
        found = [objected_at(tx, *asked) for asked in ((JANE, NORTHWIND), (JANE, CONTOSO), (BOB, NORTHWIND))]
        assert [NOON + DAY, NOON + DAY, None] == found
        assert [True, False] == [lift_objection(tx, JANE, EVERYONE) for _ in range(2)]
        assert (NOON, None) == (objected_at(tx, JANE, NORTHWIND), objected_at(tx, JANE, CONTOSO))
        assert {NORTHWIND: NOON} == list_objections(tx, JANE)


def test_a_taint_is_its_own_pairs_and_its_first_origin_stays(database: Database) -> None:
    with database.transaction() as tx:
        for origin in ("bought", "leaked"):
            taint_pair(tx, JANE, b"p" * 16, origin=origin, clause="MATCH-4a", now=NOON)
        assert [True, False, False, True] == [
            has_taint(tx, pairs) for pairs in
            ([(JANE, b"p" * 16)], [(BOB, b"p" * 16)], [(JANE, b"q" * 16)], [(BOB, b"q" * 16), (JANE, b"p" * 16)])
        ]  # fmt: skip
        assert ["bought"] == [row.origin for row in tx.execute(TaintRow.__table__.select())]  # type: ignore[attr-defined]


def test_rulings_are_counted_by_clause_and_day_and_nothing_else_is_kept(database: Database) -> None:
    with database.transaction() as tx:
        for days, clause in ((0, "MATCH-4"), (0, "MATCH-4"), (0, "MATCH-4a"), (1, "MATCH-4")):
            count_ruling(tx, clause, now=NOON + days * DAY)
        midnight = NOON - timedelta(hours=12)
        found = [rulings_between(tx, midnight, midnight + days * DAY) for days in (2, 1, 0)]
    assert [{"MATCH-4": 3, "MATCH-4a": 1}, {"MATCH-4": 2, "MATCH-4a": 1}, {}] == found
    assert {"day", "clause", "number", "mac"} == set(RulingRow.__table__.columns.keys())  # type: ignore[attr-defined]


def test_rulings_at_once_are_all_counted(database: Database) -> None:
    def refuse(_: int) -> None:
        with database.transaction() as tx:
            count_ruling(tx, "MATCH-4", now=NOON)

    all_at_once(8, refuse)
    with database.transaction() as tx:
        assert {"MATCH-4": 8} == rulings_between(tx, NOON, NOON + DAY)


def test_a_meter_counts_what_was_let_go_since_and_no_moment_earlier(database: Database) -> None:
    alike = Fingerprint(sha256=b"s" * 32, simhash=2**64 - 1)
    with database.transaction() as tx:
        for number, (client_id, account) in enumerate(((NORTHWIND, JANE), (NORTHWIND, BOB), (CONTOSO, JANE))):
            save_contact(tx, client_id, an_id("abc"[number]), account, alike, now=NOON)
        moments = (NOON - MOMENT, NOON)
        meters = [read_meter(tx, NORTHWIND, b"new!" * 4, alike, minute=when, day=when) for when in moments]
        own = read_meter(tx, NORTHWIND, JANE, alike, minute=NOON - MOMENT, day=NOON - MOMENT)
    assert ContactMeter(in_minute=2, accounts_in_day=2, accounts_alike=2) == meters[0]
    assert ContactMeter(in_minute=0, accounts_in_day=0, accounts_alike=0) == meters[1]
    assert ContactMeter(in_minute=2, accounts_in_day=1, accounts_alike=1) == own


def test_a_message_is_kept_for_longer_than_any_ceiling_counts_it_and_then_dropped(database: Database) -> None:
    with database.transaction() as tx:
        save_contact(tx, NORTHWIND, an_id("one"), JANE, Fingerprint(), now=NOON)
        sweep(tx, now=NOON + COUNTED, longest_session=DAY)
        assert 1 == len(tx.execute(ContactRow.__table__.select()).all())  # type: ignore[attr-defined]
        sweep(tx, now=NOON + COUNTED + MOMENT, longest_session=DAY)
        assert [] == tx.execute(ContactRow.__table__.select()).all()  # type: ignore[attr-defined]
    assert COUNTED > DAY
