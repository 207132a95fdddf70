"""Consents end by themselves, their clients are told ahead, and nobody else is told anything."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from builders import NOON, Clock, a_broker, a_pen, all_at_once, an_account, asked, consented, registered
from crashes import Fault, Faults, faulty, in_a_process_of_its_own
from events import deliveries, withdrawn
from invariants import assert_sound
from raw_rows import all_rows
from sqlalchemy import text
from watched import WatchedDatabase

from broker.actions.audit_deliveries import check_deliveries
from broker.actions.audit_meaning import check_meaning
from broker.actions.broker import Broker
from broker.actions.expire_consents import expire_consents
from broker.actions.read_grant import sd_jwt_text
from broker.actions.withdraw_consent import relinquish_grant, withdraw_consent
from broker.core.client import Client
from broker.core.consent import ConsentRecord, ConsentStatus
from broker.errors import Unavailable
from broker.expiring import Expirer
from broker.proof.verify import verify_receipt
from broker.store.auditing import Walk
from broker.store.consents import find_consent, find_due
from broker.store.database import Database
from broker.store.people import find_person
from broker.store.receipts import VALID, list_receipts
from broker.tending import Worker

FAULTS: tuple[Fault, ...] = ("error", "lost", "killed")
SOON, OVER = "consent-expires-soon", "consent-expired"


def found(broker: Broker, record: ConsentRecord) -> ConsentRecord | None:
    """The consent as it is on record."""
    with broker.database.reading() as tx:
        return find_consent(tx, record.account, record.grant_id)


def told(broker: Broker, client: Client) -> list[str]:
    """The kinds of what a client was told since it was given a consent, the earliest first."""
    kinds = [delivery.kind for delivery in deliveries(broker, client)]
    return [kind for kind in kinds if kind != "consent-granted"]


def receipts(broker: Broker, record: ConsentRecord) -> list[Any]:
    """What the receipts of a consent say, the first first; each must verify."""
    with broker.database.reading() as tx:
        person = find_person(tx, broker.sealer, record.account)
        assert person is not None
        stored = list_receipts(tx, record.account, store=broker.sealer, person=person.sealer)
    verdicts = [verify_receipt(sd_jwt_text(it), jwks=broker.keys.jwks()) for it in stored]
    assert all(verdict.anchored for verdict in verdicts)
    said = [
        verdict.payload["record"] for verdict in verdicts if verdict.payload["record"]["record_id"] == record.grant_id
    ]  # type: ignore[call-overload,index]
    return sorted(said, key=lambda it: it["event"]["time"])


# --- the end ----------------------------------------------------------------------------------------------------


def test_after_its_date_a_consent_permits_nothing_though_no_companion_ever_ran(
    broker: Broker, client: Client, clock: Clock
) -> None:
    record = consented(broker, client, valid_for="P30D")
    clock.passes(days=30, microseconds=-1)
    assert asked(broker, client).decision.permitted
    clock.passes(microseconds=1)
    assert "expired" == asked(broker, client).decision.reason
    kept = found(broker, record)
    assert kept is not None
    assert (ConsentStatus.GIVEN, ConsentStatus.EXPIRED) == (kept.status, kept.status_at(clock()))


def test_at_its_date_a_consent_ends_with_a_receipt_and_an_event(broker: Broker, client: Client, clock: Clock) -> None:
    record = consented(broker, client, valid_for="P1D")
    clock.passes(days=1, minutes=3)
    assert 1 == expire_consents(broker)
    kept = found(broker, record)
    assert kept is not None
    assert (ConsentStatus.EXPIRED, clock(), "date", False) == (
        kept.status, kept.ended_at, kept.ended_by, kept.associated,
    )  # fmt: skip
    given, ended = receipts(broker, record)
    assert ("dpv:ConsentExpired", "dpv:DataProcessor", "date", "2026-11-24T12:00:00Z") == (
        ended["event"]["state"], ended["event"]["by"], ended["event"]["method"], ended["event"]["valid_until"],
    )  # fmt: skip
    assert (record.receipt_id, given["notice"]) == (ended["replaces"], ended["notice"])
    assert [OVER] == told(broker, client)
    with broker.database.transaction() as tx:
        assert VALID not in {row["value"] for row in all_rows(tx)["status_entries"]}
        assert [] == all_rows(tx)["associations"]
    assert "expired" == asked(broker, client).decision.reason


def test_a_consent_that_has_ended_is_seen_to_no_more(broker: Broker, client: Client, clock: Clock) -> None:
    consented(broker, client, valid_for="P1D")
    clock.passes(days=2)
    expire_consents(broker)
    with broker.database.transaction() as tx:
        before = all_rows(tx)
    clock.passes(days=400)
    assert 0 == expire_consents(broker)
    with broker.database.transaction() as tx:
        assert before == all_rows(tx)


def test_the_oldest_end_is_written_down_first(broker: Broker, client: Client, clock: Clock) -> None:
    for number, days in enumerate((3, 1, 2)):
        consented(broker, client, an_account(f"10000000{number}", f"Person_{number}"), valid_for=f"P{days}D")
    clock.passes(days=4)
    for days in (1, 2, 3):
        turns = iter((True, False))
        assert 1 == expire_consents(broker, wanted=lambda turns=turns: next(turns, False))  # type: ignore[misc]
        with broker.database.transaction() as tx:
            ended = {row["valid_until"] for row in all_rows(tx)["consents"] if row["status"] == "expired"}
        assert {NOON + timedelta(days=day) for day in range(1, days + 1)} == ended


def test_what_the_person_took_back_or_the_business_gave_up_stays_what_it_is(
    broker: Broker, client: Client, other_client: Client, clock: Clock
) -> None:
    taken, given_up = consented(broker, client), consented(broker, other_client)
    withdrawn(broker, taken)
    with broker.database.transaction() as tx:
        relinquish_grant(tx, broker, client_id=other_client.client_id, grant_id=given_up.grant_id)
    clock.passes(days=400)
    assert 0 == expire_consents(broker)
    assert (ConsentStatus.WITHDRAWN, ConsentStatus.REVOKED) == tuple(
        kept.status for record in (taken, given_up) if (kept := found(broker, record))
    )


def test_a_withdrawal_between_the_look_and_the_end_stands(broker: Broker, client: Client, clock: Clock) -> None:
    """The companion has found it due; by the time it holds the person, somebody else was there."""
    record = consented(broker, client, valid_for="P10D")
    clock.passes(days=6)
    expire_consents(broker, wanted=lambda: withdrawn(broker, record) or True)
    assert (ConsentStatus.WITHDRAWN, ["consent-withdrawn"]) == (
        getattr(found(broker, record), "status", None), told(broker, client),
    )  # fmt: skip


def test_a_person_who_is_erased_between_the_look_and_the_end_is_left_alone(sqlite_broker: Broker, clock: Clock) -> None:
    client = registered(sqlite_broker)
    record = consented(sqlite_broker, client, valid_for="P1D")
    clock.passes(days=2)
    with sqlite_broker.database.transaction() as tx:
        due = find_due(tx, now=clock(), after=None, limit=10)
        for table in ("consents", "people"):
            tx.execute(text(f"DELETE FROM {table}"))  # noqa: S608 - the two names above
    assert [record.grant_id] == [it.grant_id for it in due]
    assert 0 == expire_consents(sqlite_broker)


def test_an_end_and_a_withdrawal_at_once_are_one_end(broker: Broker, client: Client, clock: Clock) -> None:
    """A moment before its date both are possible to one of them: whoever comes first writes the one receipt."""
    for number in range(4):
        record = consented(broker, client, an_account(f"20000000{number}", f"Racer_{number}"), valid_for="P1D")
        clock.passes(days=1)
        early = replace(broker, now=lambda: clock() - timedelta(seconds=1))

        def act(racer: int, record: ConsentRecord = record, early: Broker = early) -> None:
            if racer % 2:
                expire_consents(broker)
                return
            with early.database.transaction() as tx:
                withdraw_consent(tx, early, account=record.account, grant_id=record.grant_id)

        assert [None] * 6 == all_at_once(6, act)
        kept = found(broker, record)
        assert kept is not None
        assert kept.status in {ConsentStatus.WITHDRAWN, ConsentStatus.EXPIRED}
        assert 2 == len(receipts(broker, record))
        assert number + 1 == len(told(broker, client))


def test_two_companions_write_one_end(broker: Broker, client: Client, clock: Clock) -> None:
    for number in range(6):
        consented(broker, client, an_account(f"30000000{number}", f"Other_{number}"), valid_for="P1D")
    clock.passes(days=1)
    results = all_at_once(4, lambda _: expire_consents(broker))
    assert all(isinstance(count, int) for count in results)
    assert [OVER] * 6 == told(broker, client)


def test_one_consent_that_cannot_be_ended_keeps_no_other_waiting(sqlite_broker: Broker, clock: Clock) -> None:
    broker, client = sqlite_broker, registered(sqlite_broker)
    broken = consented(broker, client, an_account("400000001", "Broken"), valid_for="P1D")
    other = consented(broker, client, an_account("400000002", "Sound"), valid_for="P2D")
    with broker.database.transaction() as tx:
        tx.execute(text("UPDATE people SET wrapped_key = x'00' WHERE account = :it"), {"it": broken.account})
    clock.passes(days=3)
    with pytest.raises(Exception, match=r"."):
        expire_consents(broker)
    kept = found(broker, other)
    assert kept is not None
    assert ConsentStatus.EXPIRED is kept.status


def test_the_duty_ends_what_is_over(broker: Broker, client: Client, clock: Clock) -> None:
    record = consented(broker, client, valid_for="P1D")
    clock.passes(days=1)
    duty: Worker = Expirer(broker)
    duty.turn()
    assert ConsentStatus.EXPIRED is getattr(found(broker, record), "status", None)


# --- ahead of it --------------------------------------------------------------------------------------------------


def test_a_client_is_told_thirty_days_ahead_and_seven_once_each(broker: Broker, client: Client, clock: Clock) -> None:
    consented(broker, client, valid_for="P1Y")
    counts = []
    for days in (334, 1, 1, 20, 1, 1, 1, 6):
        clock.passes(days=days)
        for _ in range(2):
            expire_consents(broker)
        counts.append(told(broker, client))
    assert [0, 1, 1, 1, 1, 2, 2, 2] == [kinds.count(SOON) for kinds in counts]
    assert [0, 0, 0, 0, 0, 0, 0, 1] == [kinds.count(OVER) for kinds in counts]


def test_the_audit_finds_nothing_wrong_with_what_was_told_ahead_and_what_ended(
    broker: Broker, client: Client, clock: Clock
) -> None:
    faults: list[str] = []
    consented(broker, client, valid_for="P1Y")
    for days in (340, 20, 6):
        clock.passes(days=days)
        expire_consents(broker)
        with broker.database.snapshot() as tx:
            walk = Walk(tx, broker.database.row_key, lambda finding: faults.append(str(finding)))
            check_meaning(walk, broker)
            check_deliveries(walk, broker)
    assert [SOON, SOON, OVER] == told(broker, client)
    assert [] == faults


def test_what_was_missed_is_told_once_and_late_only_as_long_as_it_is_true(
    broker: Broker, client: Client, other_client: Client, clock: Clock
) -> None:
    consented(broker, client, valid_for="P60D")
    clock.passes(days=58)
    consented(broker, other_client, valid_for="P1D")
    expire_consents(broker)
    assert [SOON] == told(broker, client)
    clock.passes(days=3)
    expire_consents(broker)
    assert ([SOON, OVER], [OVER]) == (told(broker, client), told(broker, other_client))


def test_what_is_told_ahead_names_the_receipt_and_the_date_and_nothing_of_the_person(
    broker: Broker, client: Client, clock: Clock
) -> None:
    record = consented(broker, client, valid_for="P10D")
    clock.passes(days=5)
    expire_consents(broker)
    (ahead,) = (it for it in deliveries(broker, client) if it.kind == SOON)
    assert record.receipt_id == ahead.about
    assert {
        "grant_id": record.grant_id, "receipt_id": record.receipt_id, "valid_until": "2026-12-03T12:00:00Z",
    } == ahead.told  # fmt: skip
    assert asked(broker, client).decision.permitted


def test_a_consent_that_was_given_anew_is_told_of_by_its_own_date(broker: Broker, client: Client, clock: Clock) -> None:
    consented(broker, client, valid_for="P10D")
    clock.passes(days=4)
    consented(broker, client, valid_for="P10D")
    clock.passes(days=2)
    assert 0 == expire_consents(broker)
    clock.passes(days=3)
    assert 1 == expire_consents(broker)
    assert [SOON] == told(broker, client)


def test_of_companions_at_once_one_tells_ahead(broker: Broker, client: Client, clock: Clock) -> None:
    for number in range(6):
        consented(broker, client, an_account(f"40000000{number}", f"Ahead_{number}"), valid_for="P10D")
    clock.passes(days=5)
    for _ in range(2):
        assert all(isinstance(count, int) for count in all_at_once(4, lambda _: expire_consents(broker)))
    assert [SOON] * 6 == told(broker, client)


# --- crash points -------------------------------------------------------------------------------------------------


class Scene:
    """Two people whose consents are due: one is to end, of the other the client is to be told."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.url = database.engine.url.render_as_string(hide_password=False)
        self.clock, self.broker = clock, a_broker(database, clock=clock)
        self.client = registered(self.broker)
        self._people = 0

    def waits(self) -> None:
        """Let two consents be due."""
        for days in (1, 3):
            self._people += 1
            account = an_account(f"5{self._people:08}", f"Due_{self._people}")
            consented(self.broker, self.client, account, valid_for=f"P{days}D")
        self.clock.passes(days=2)

    def fails(self, at: int, fault: Fault) -> list[str]:
        """See to them with a fault at one write; return the writes that were come to."""
        faults = Faults(at, fault)
        if fault == "killed":
            in_a_process_of_its_own(lambda: self._in_a_child(faults))
        else:
            with faulty(self.broker.database, faults):
                self._work(self.broker, faults)
        return faults.places

    def _work(self, broker: Broker, faults: Faults) -> None:
        try:
            expire_consents(broker)
        except Unavailable:
            assert faults.at

    def _in_a_child(self, faults: Faults) -> None:
        database = Database(self.url, pen=a_pen())  # a connection does not survive being forked
        with faulty(database, faults):
            self._work(a_broker(database, clock=self.clock, seed=faults.at + 100), faults)

    def recovers(self) -> None:
        """Look again, as another process would: everything is told once, and every row is sound."""
        expire_consents(self.broker)
        assert_sound(self.broker.database, self.broker)


@pytest.fixture
def scene(database: WatchedDatabase, clock: Clock) -> Scene:
    """Give a client whom people have given consents to."""
    return Scene(database, clock)


def test_after_a_fault_at_any_write_every_end_is_whole_and_told_once(scene: Scene) -> None:
    scene.waits()
    places = scene.fails(0, "error")
    scene.recovers()
    assert 2 == places.count("COMMIT")
    assert 1 == sum(place.startswith("INSERT INTO receipts") for place in places)
    # Each write fails in one way here, and in another on the other database.
    shift = scene.broker.database.engine.dialect.name == "postgresql"
    for at in range(1, len(places) + 1):
        scene.waits()
        scene.fails(at, FAULTS[(at + shift) % 3])
        expire_consents(scene.broker)
    scene.recovers()
    kinds, rounds = told(scene.broker, scene.client), len(places) + 1
    # The second of each pair, of three days, ends in the round after.
    assert (rounds, 2 * rounds - 1) == (kinds.count(SOON), kinds.count(OVER))
