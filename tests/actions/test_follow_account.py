"""An account is followed by its id: renamed, gone, back, protected; who is told of it, and what nobody is told."""

from __future__ import annotations

from typing import Any

import pytest
from acts_of_platforms import seen
from acts_of_terms import offered
from builders import (
    Clock,
    a_choice,
    a_question,
    a_request,
    a_tag,
    an_account,
    an_identifier,
    asked,
    consented,
    proved,
    registered,
)
from raw_rows import all_rows
from sqlalchemy import event

from broker.actions.broker import Broker
from broker.actions.publish_status import list_entries
from broker.actions.read_grant import withdrawal_uri
from broker.actions.record_consent import record_consent
from broker.actions.refuse_consent import refuse_consent
from broker.actions.withdraw_consent import withdraw_by_link, withdraw_consent
from broker.core.client import Client
from broker.core.consent import ConsentRecord
from broker.errors import FlowBroken
from broker.proof.status import StatusList
from broker.store.people import find_person
from broker.store.presences import presence_of
from broker.store.receipts import find_receipt

BY_OLD = {"account_id": None, "handle": "JaneCanary"}
BY_NEW = {"account_id": None, "handle": "JaneMoved"}
STANDS, ENDED, SLEEPS = 0, 1, 2


def told(broker: Broker, client: Client) -> list[str]:
    """Return what a client was told of changes, in the order of the alphabet."""
    with broker.database.transaction() as tx:
        rows = all_rows(tx)["deliveries"]
    mine = [row for row in rows if (row["kind"], row["client_id"]) == ("handle-changed", client.client_id)]
    return sorted(row["told"]["change"] for row in mine)


def answer(broker: Broker, client: Client, **changes: Any) -> tuple[str, ...]:  # noqa: ANN401 - any field of a question
    """Ask for a match; return its basis or its reason, and the clauses."""
    decision = asked(broker, client, a_question(**changes)).decision
    return str(decision.basis or decision.reason), *decision.clauses


def entry_of(broker: Broker, record: ConsentRecord) -> int:
    """What the status list says of a consent."""
    with broker.database.transaction() as tx:
        person = find_person(tx, broker.sealer, record.account)
        assert person is not None
        receipt = find_receipt(tx, record.account, record.receipt_id, store=broker.sealer, person=person.sealer)
        assert receipt is not None
        packed = list_entries(tx, receipt.entry.list_id, now=broker.now())
    return StatusList(uri="", issued_at=0, expires_at=0, ttl=0, packed=packed).value_of(receipt.entry.position)


def taken_back_by_link(broker: Broker, record: ConsentRecord) -> None:
    """Withdraw by the link in the receipt."""
    with broker.database.transaction() as tx:
        person = find_person(tx, broker.sealer, record.account)
        assert person is not None
        receipt = find_receipt(tx, record.account, record.receipt_id, store=broker.sealer, person=person.sealer)
        assert receipt is not None
        assert withdraw_by_link(tx, broker, capability=withdrawal_uri(receipt).rpartition("/")[2]).receipt_id


# --- renamed -------------------------------------------------------------------------------------------------


def renamed_by_proof(broker: Broker) -> None:
    """The person signs in under the new handle."""
    proved(broker, an_account(handle="JaneMoved"), None)


def renamed_by_the_platform(broker: Broker) -> None:
    """The platform is asked by id, and names the new handle."""
    assert ("renamed",) == seen(broker, handle="JaneMoved")


@pytest.mark.parametrize("renamed", [renamed_by_proof, renamed_by_the_platform])
def test_the_association_follows_the_id_and_the_old_handle_leads_to_nobody(
    broker: Broker, client: Client, renamed: Any  # noqa: ANN401 - either way of learning it
) -> None:  # fmt: skip
    consented(broker, client)
    renamed(broker)
    assert ("consent", "MATCH-2") == answer(broker, client) == answer(broker, client, **BY_NEW)
    assert ("no_basis", "MATCH-4") == answer(broker, client, **BY_OLD)
    assert ["renamed"] == told(broker, client)


def test_the_same_handle_again_in_any_case_is_no_change(broker: Broker, client: Client) -> None:
    consented(broker, client)
    assert [(), (), ()] == [seen(broker, handle=name) for name in ("JaneCanary", "janecanary", "JANECANARY")]
    assert ("renamed",) == seen(broker, handle="JaneMoved")
    assert () == seen(broker, handle="JaneMoved")
    assert ["renamed"] == told(broker, client)


def test_a_sighting_is_no_proof_what_was_proved_and_when_stays(broker: Broker, client: Client, clock: Clock) -> None:
    record = consented(broker, client)
    clock.passes(days=3)
    seen(broker, handle="JaneMoved")
    with broker.database.transaction() as tx:
        person = find_person(tx, broker.sealer, record.account)
    assert person is not None
    assert ("JaneCanary", record.given_at, "JaneMoved") == (person.proven.handle, person.proved_at, person.seen_as)


def test_only_who_holds_a_live_consent_is_told(
    broker: Broker, client: Client, other_client: Client, clock: Clock
) -> None:
    consented(broker, other_client, valid_for="P1D")
    stranger = registered(broker, client_name="Fabrikam Bikes")
    offered(broker, stranger, a_tag())
    clock.passes(days=2)
    gone = consented(broker, other_client, identifier=an_identifier("second@mailbox.example"))
    with broker.database.transaction() as tx:
        withdraw_consent(tx, broker, account=gone.account, grant_id=gone.grant_id)
    consented(broker, client)
    seen(broker, handle="JaneMoved")
    assert [["renamed"], [], []] == [told(broker, one) for one in (client, other_client, stranger)]


def test_no_event_holds_a_handle(broker: Broker, client: Client) -> None:
    consented(broker, client)
    seen(broker, handle="JaneMoved")
    with broker.database.transaction() as tx:
        rows = all_rows(tx)
    assert "janemoved" not in repr((rows["events"], rows["deliveries"])).lower()


def test_a_handle_that_the_platform_gives_to_another_leads_to_nobody_ever_again(broker: Broker, client: Client) -> None:
    taker, theirs = an_account("7777777", "Taker"), an_identifier("taker@mailbox.example")
    consented(broker, client)
    consented(broker, client, taker, identifier=theirs)
    seen(broker, handle="JaneMoved")
    seen(broker, taker, handle="JaneCanary")
    for identifier in (an_identifier(), theirs):
        assert ("no_basis", "MATCH-4") == answer(broker, client, **BY_OLD, identifier=identifier)
    seen(broker, handle="JaneCanary")
    assert ("no_basis", "MATCH-4") == answer(broker, client, **BY_OLD)
    assert ("consent", "MATCH-2") == answer(broker, client)


# --- gone, and back ------------------------------------------------------------------------------------------


def test_an_account_that_is_gone_is_matched_on_no_ground(broker: Broker, client: Client, other_client: Client) -> None:
    consented(broker, client)
    for tag in (a_tag(), a_tag("public"), a_tag("public", "platform")):
        offered(broker, other_client, tag)
    assert ("gone",) == seen(broker, gone=True)
    assert ("suspended", "MATCH-2") == answer(broker, client) == answer(broker, client, **BY_OLD)
    assert ("no_basis", "MATCH-4") == answer(broker, other_client)


def test_who_holds_nothing_of_a_gone_account_learns_nothing_of_it(broker: Broker, client: Client) -> None:
    stranger = registered(broker, client_name="Fabrikam Bikes")
    consented(broker, client)
    seen(broker, gone=True)
    nobody = an_account("5555555", "nobody_here")
    unknown = (a_question(nobody), a_question(account_id=None, handle=nobody.handle))
    for one, other in zip(unknown, (a_question(), a_question(**BY_OLD)), strict=True):
        assert shape(broker, stranger, one) == shape(broker, stranger, other)


def shape(broker: Broker, client: Client, question: Any) -> object:  # noqa: ANN401 - a question
    """All that a client can see of an answer but its id, and the statements that made it."""
    statements: list[str] = []
    engine = broker.database.engine

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        decision = asked(broker, client, question).decision
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return decision, statements[: statements.index(next(it for it in statements if it.startswith("INSERT")))]


@pytest.mark.parametrize("back", ["seen again", "proved again"])
def test_its_consents_sleep_and_wake_up_as_they_were(broker: Broker, client: Client, back: str) -> None:
    record = consented(broker, client)
    ended = consented(broker, client, identifier=an_identifier("second@mailbox.example"))
    with broker.database.transaction() as tx:
        withdraw_consent(tx, broker, account=ended.account, grant_id=ended.grant_id)
    seen(broker, gone=True)
    assert (SLEEPS, ENDED) == (entry_of(broker, record), entry_of(broker, ended))
    if back == "seen again":
        assert ("back",) == seen(broker, handle="JaneCanary")
    else:
        proved(broker, an_account(), None)
    assert (STANDS, ENDED) == (entry_of(broker, record), entry_of(broker, ended))
    assert ("consent", "MATCH-2") == answer(broker, client)
    assert ["back", "gone"] == told(broker, client)


def test_who_comes_back_under_another_handle_is_told_of_twice(broker: Broker, client: Client) -> None:
    consented(broker, client)
    seen(broker, gone=True)
    assert ("back", "renamed") == seen(broker, handle="JaneMoved")
    assert ["back", "gone", "renamed"] == told(broker, client)


def test_gone_twice_is_told_once(broker: Broker, client: Client) -> None:
    consented(broker, client)
    assert [("gone",), ()] == [seen(broker, gone=True), seen(broker, gone=True)]
    assert ["gone"] == told(broker, client)


def test_who_is_gone_can_still_withdraw_by_link_and_stays_withdrawn_when_back(broker: Broker, client: Client) -> None:
    record = consented(broker, client)
    seen(broker, gone=True)
    taken_back_by_link(broker, record)
    assert (ENDED, ("withdrawn", "MATCH-2")) == (entry_of(broker, record), answer(broker, client))
    assert ("back",) == seen(broker, handle="JaneCanary")
    assert (ENDED, ("withdrawn", "MATCH-2")) == (entry_of(broker, record), answer(broker, client))
    assert ["gone"] == told(broker, client)


def test_a_consent_that_expires_meanwhile_stays_expired(broker: Broker, client: Client, clock: Clock) -> None:
    record = consented(broker, client, valid_for="P1D")
    seen(broker, gone=True)
    clock.passes(days=2)
    seen(broker, handle="JaneCanary")
    assert (ENDED, ("expired", "MATCH-2")) == (entry_of(broker, record), answer(broker, client))
    assert ["gone"] == told(broker, client)


def test_nobody_consents_for_an_account_that_went_while_they_read_the_notice_but_they_may_say_no(
    broker: Broker, client: Client
) -> None:
    page = proved(broker, an_account(), a_request(client))
    seen(broker, gone=True)
    choice = a_choice(page, "customer-care")
    with pytest.raises(FlowBroken, match="has gone from the platform"), broker.database.transaction() as tx:
        record_consent(tx, broker, client, choice)
    with broker.database.transaction() as tx:
        assert refuse_consent(tx, broker, client, choice)


# --- protected -----------------------------------------------------------------------------------------------


def test_that_an_account_is_protected_closes_public_data_and_nothing_else(
    broker: Broker, client: Client, other_client: Client
) -> None:
    consented(broker, client)
    offered(broker, other_client, a_tag())
    third = registered(broker, client_name="Fabrikam Bikes")
    offered(broker, third, a_tag("public", "platform"))
    assert ("public", "MATCH-4b2") == answer(broker, third)
    assert ("protected",) == seen(broker, protected=True)
    assert ("no_basis", "MATCH-4b2") == answer(broker, third)
    assert ("consent", "MATCH-2") == answer(broker, client)
    assert ("user_provided", "MATCH-4a") == answer(broker, other_client)
    assert [] == told(broker, client)
    assert ("unprotected",) == seen(broker, protected=False)
    assert ("public", "MATCH-4b2") == answer(broker, third)


def test_what_the_platform_did_not_say_does_not_change(broker: Broker, client: Client) -> None:
    record = consented(broker, client)
    seen(broker, protected=True)
    assert () == seen(broker)
    proved(broker, an_account(), None)
    assert ("gone",) == seen(broker, gone=True)
    with broker.database.transaction() as tx:
        presence = presence_of(tx, record.account)
    assert (True, True) == (presence.gone, presence.protected)


def test_of_an_account_that_is_as_usual_nothing_is_kept(broker: Broker, client: Client) -> None:
    consented(broker, client)
    for gone in (True, False):
        seen(broker, gone=gone, protected=gone)
    with broker.database.transaction() as tx:
        assert [] == all_rows(tx)["presences"]


# --- who lies in two environments ------------------------------------------------------------------------------


def test_development_and_production_are_followed_apart(broker: Broker, client: Client) -> None:
    dev = registered(broker, environment="dev", client_name="Northwind Bikes (dev)")
    consented(broker, client)
    consented(broker, dev)
    seen(broker, gone=True, environment="dev")
    assert [("consent", "MATCH-2"), ("suspended", "MATCH-2")] == [answer(broker, one) for one in (client, dev)]
    assert [[], ["gone"]] == [told(broker, one) for one in (client, dev)]
