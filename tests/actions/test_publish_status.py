"""Which receipts a status list calls valid: exactly those whose consent stands, at every moment."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

import pytest
from builders import NOON, Clock, an_account, an_identifier, asked, consented, refused, registered
from sqlalchemy import event

from broker.actions.broker import Broker
from broker.actions.change_standing import Change, resume_client, suspend_client
from broker.actions.object_to_matching import object_to_matching
from broker.actions.publish_status import LIFE, TTL, list_entries, list_uris, sign_entries
from broker.actions.withdraw_consent import relinquish_grant, withdraw_all, withdraw_consent
from broker.core.client import Client
from broker.core.consent import ConsentRecord
from broker.errors import NotFound
from broker.proof.sdjwt import payload_of
from broker.proof.status import Status, StatusList, parse_status_list
from broker.store.people import find_person
from broker.store.receipts import LIST_SIZE, list_receipts

STANDS, ENDED, SLEEPS = Status.VALID, Status.INVALID, Status.SUSPENDED


def the_list(broker: Broker, number: int = 1) -> StatusList:
    """Make a list as it stands now, and read it as its holders do."""
    now = broker.now()
    with broker.database.reading() as tx:
        packed = list_entries(tx, number, now=now)
    return parse_status_list(sign_entries(broker, number, packed, now=now))


def values(broker: Broker, account: bytes) -> list[tuple[str, int]]:
    """Return what the list says of each receipt of an account, by the receipt's own words."""
    with broker.database.transaction() as tx:
        person = find_person(tx, broker.sealer, account)
        assert person is not None
        receipts = list_receipts(tx, account, store=broker.sealer, person=person.sealer)
    listed, found = the_list(broker), []
    for receipt in receipts:
        place = payload_of(receipt.jwt)["status"]["status_list"]  # type: ignore[index,call-overload]
        assert listed.uri == place["uri"]
        found.append((receipt.status.value, listed.value_of(place["idx"])))
    return sorted(found)


def test_a_consent_that_stands_is_valid(broker: Broker, client: Client) -> None:
    assert [("given", STANDS)] == values(broker, consented(broker, client).account)


def test_a_refusal_is_invalid_from_its_first_second(broker: Broker, client: Client) -> None:
    account = consented(broker, client).account
    refused(broker, client, identifier=an_identifier("another@mailbox.example"))
    assert [("given", STANDS), ("refused", ENDED)] == values(broker, account)


def by_person(broker: Broker, record: ConsentRecord) -> None:
    with broker.database.transaction() as tx:
        withdraw_consent(tx, broker, account=record.account, grant_id=record.grant_id)


def by_client(broker: Broker, record: ConsentRecord) -> None:
    with broker.database.transaction() as tx:
        relinquish_grant(tx, broker, client_id=record.client_id, grant_id=record.grant_id)


def all_of_them(broker: Broker, record: ConsentRecord) -> None:
    with broker.database.transaction() as tx:
        withdraw_all(tx, broker, account=record.account)


@pytest.mark.parametrize(
    ("end", "status"), [(by_person, "withdrawn"), (by_client, "revoked"), (all_of_them, "withdrawn")]
)
def test_an_end_makes_the_consents_receipt_invalid_and_is_so_itself(
    broker: Broker, client: Client, end: Callable[[Broker, ConsentRecord], None], status: str
) -> None:
    record = consented(broker, client)
    end(broker, record)
    assert [("given", ENDED), (status, ENDED)] == values(broker, record.account)


def test_a_consent_that_was_given_anew_stands_in_the_place_of_the_earlier_one(broker: Broker, client: Client) -> None:
    consented(broker, client)
    record = consented(broker, client)
    assert [("given", STANDS), ("given", ENDED), ("revoked", ENDED)] == values(broker, record.account)


def test_a_consent_ends_at_its_date_although_no_row_changes(broker: Broker, client: Client, clock: Clock) -> None:
    record = consented(broker, client)
    clock.now = record.valid_until
    before = clock.now.replace(microsecond=0)
    assert [("given", ENDED)] == values(broker, record.account)
    clock.passes(seconds=-1)
    assert [("given", STANDS)] == values(broker, record.account)
    assert before > clock.now


def test_an_unused_place_reads_like_a_consent_that_stands(broker: Broker, client: Client) -> None:
    """So that nobody can count consents."""
    consented(broker, client)
    assert bytes(LIST_SIZE // 4) == the_list(broker).packed


def standing(broker: Broker, client: Client, change: Callable[..., Client]) -> None:
    """Suspend a client, or let it go on."""
    with broker.database.transaction() as tx:
        change(tx, broker, client.client_id, Change(who="Sam", why="a test"))


def test_the_consents_of_a_suspended_client_sleep_and_those_of_others_do_not(
    broker: Broker, client: Client, other_client: Client, clock: Clock
) -> None:
    record = consented(broker, client)
    consented(broker, other_client)
    ended = consented(broker, client, identifier=an_identifier("another@mailbox.example"))
    by_person(broker, ended)
    standing(broker, client, suspend_client)
    assert [("given", STANDS), ("given", ENDED), ("given", SLEEPS), ("withdrawn", ENDED)] == values(
        broker, record.account
    )
    clock.now = record.valid_until
    assert ("given", SLEEPS) not in values(broker, record.account)
    clock.now = NOON
    standing(broker, client, resume_client)
    assert [("given", STANDS), ("given", STANDS), ("given", ENDED), ("withdrawn", ENDED)] == values(
        broker, record.account
    )


def test_an_objection_ends_no_consent(broker: Broker, client: Client) -> None:
    """What the person's page says: what you allow stays allowed until you withdraw it."""
    record = consented(broker, client)
    with broker.database.transaction() as tx:
        person = find_person(tx, broker.sealer, record.account)
        assert person is not None
        object_to_matching(tx, broker, person)
    assert [("given", STANDS)] == values(broker, record.account)
    assert asked(broker, client).decision.permitted


def test_a_token_says_as_of_when_it_is_and_how_long_it_counts(broker: Broker, client: Client) -> None:
    consented(broker, client)
    listed = the_list(broker)
    now = int(NOON.timestamp())
    assert ("https://consent.example/status/1", now, now + LIFE, TTL, 2) == (
        listed.uri,
        listed.issued_at,
        listed.expires_at,
        listed.ttl,
        listed.bits,
    )


@pytest.mark.parametrize("number", [0, 2, -1, 2**40])
def test_there_is_no_list_of_another_number(broker: Broker, client: Client, number: int) -> None:
    consented(broker, client)
    with broker.database.reading() as tx, pytest.raises(NotFound):
        list_entries(tx, number, now=broker.now())


def test_every_list_is_named(broker: Broker, client: Client) -> None:
    with broker.database.reading() as tx:
        assert [] == list_uris(tx, broker)
    consented(broker, client)
    with broker.database.reading() as tx:
        assert ["https://consent.example/status/1"] == list_uris(tx, broker)


def test_the_places_of_one_persons_receipts_have_nothing_in_common(sqlite_broker: Broker) -> None:
    """Places are drawn from the whole list; drawn in order, neighbours would be of one hour and one business."""
    client = registered(sqlite_broker)
    places = []
    for number in range(12):
        consented(sqlite_broker, client, an_account(id=str(900 + number), handle=f"nb{number}"))
    with sqlite_broker.database.reading() as tx:
        places = [row[0] for row in tx.exec_driver_sql("SELECT position FROM status_entries")]
    assert 12 == len(set(places))
    assert LIST_SIZE // 2 < max(places) - min(places)
    assert [] == [place for place in places if place + 1 in places]


#: Every table that answering a match reads or writes, for a pair with a consent.
OF_A_MATCH = {"cautions", "decisions", "pairs", "trail"}


def test_a_match_never_reads_a_status_list(sqlite_broker: Broker) -> None:
    client = registered(sqlite_broker)
    consented(sqlite_broker, client)
    statements: list[str] = []
    engine = sqlite_broker.database.engine

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        assert asked(sqlite_broker, client).decision.permitted
    finally:
        event.remove(engine, "before_cursor_execute", note)
    tables = {name for statement in statements for name in re.findall(r"(?:FROM|JOIN|INTO|UPDATE) (\w+)", statement)}
    assert OF_A_MATCH == tables


def test_the_clock_of_a_list_is_the_brokers(broker: Broker, client: Client, clock: Clock) -> None:
    consented(broker, client)
    clock.passes(days=3)
    assert the_list(broker).issued_at == int(datetime.timestamp(clock.now))
