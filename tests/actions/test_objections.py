"""A person's no: an objection, a refusal, a withdrawal; what each beats, whom it reaches, and how it reads."""

from __future__ import annotations

import pytest
from acts_of_terms import contacted, objected, offered, took_back
from builders import (
    Clock,
    a_question,
    a_tag,
    an_account,
    an_id,
    an_identifier,
    asked,
    consented,
    proved,
    refused,
    registered,
)

from broker.actions.broker import Broker
from broker.actions.withdraw_consent import relinquish_grant, withdraw_consent
from broker.core.client import Client
from broker.core.consent import ConsentRecord
from broker.errors import NotFound
from broker.store.objections import list_objections

OTHER = an_identifier("other.canary@mailbox.example")
NO_BASIS = ("no_basis", ("MATCH-4",))
BY_HANDLE = {"account_id": None, "handle": "JaneCanary"}
BY = pytest.mark.parametrize("by", [{}, BY_HANDLE], ids=["by id", "by handle"])
TAGS = pytest.mark.parametrize("tag", [a_tag(), a_tag("public"), a_tag("public", "platform")], ids=lambda tag: tag.tag)


def answer(broker: Broker, client: Client, **changes: object) -> tuple[str | None, tuple[str, ...]]:
    """Ask for a match, and take the reason (None: permitted) and the clauses."""
    decision = asked(broker, client, a_question(**changes)).decision
    return decision.reason, decision.clauses


def permitted(broker: Broker, client: Client, **changes: object) -> bool:
    """Ask for a match, and take yes or no."""
    return answer(broker, client, **changes)[0] is None


def withdrew(broker: Broker, record: ConsentRecord) -> None:
    """Let the person withdraw."""
    with broker.database.transaction() as tx:
        withdraw_consent(tx, broker, account=record.account, grant_id=record.grant_id)


# --- objections -----------------------------------------------------------------------------------------------


@BY
def test_an_objection_to_all_beats_every_ground_of_every_client_at_once(
    broker: Broker, client: Client, other_client: Client, by: dict[str, object]
) -> None:
    for who, tag in ((client, a_tag()), (other_client, a_tag("public"))):
        assert offered(broker, who, tag, **by).ground is not None
        assert permitted(broker, who, **by)
    proved(broker, an_account(), None)
    objected(broker)
    assert [NO_BASIS] * 2 == [answer(broker, who, **by) for who in (client, other_client)]


def test_an_objection_to_one_client_leaves_the_others(broker: Broker, client: Client, other_client: Client) -> None:
    for who in (client, other_client):
        offered(broker, who)
    objected(broker, to=client.client_id)
    assert [False, True] == [permitted(broker, who) for who in (client, other_client)]


def test_an_objection_is_its_own_persons(broker: Broker, client: Client) -> None:
    offered(broker, client)
    objected(broker, an_account("7777777", "BobCanary"))
    assert permitted(broker, client)


def test_an_objection_holds_for_what_is_offered_and_registered_later(broker: Broker, client: Client) -> None:
    objected(broker)
    later = registered(broker, client_name="Fabrikam")
    for who in (client, later):
        assert NO_BASIS == answer(broker, who, provenance=a_tag())
        assert NO_BASIS == answer(broker, who)


def test_an_objection_that_was_taken_back_beats_nothing(broker: Broker, client: Client, other_client: Client) -> None:
    for who in (client, other_client):
        offered(broker, who)
    objected(broker)
    objected(broker, to=client.client_id)
    took_back(broker)
    assert [False, True] == [permitted(broker, who) for who in (client, other_client)]
    took_back(broker, to=client.client_id)
    took_back(broker, to=client.client_id)
    assert permitted(broker, client)


def test_objecting_again_moves_the_moment(broker: Broker, client: Client, clock: Clock) -> None:
    for _ in range(2):
        clock.passes(days=1)
        objected(broker)
        objected(broker, to=client.client_id)
    with broker.database.transaction() as tx:
        account = broker.blinder.account(an_account().account)
        assert {"*": clock.now, client.client_id: clock.now} == list_objections(tx, account)


def test_an_objection_to_a_business_that_there_is_not_is_refused(broker: Broker) -> None:
    with pytest.raises(NotFound):
        objected(broker, to=an_id("nobody"))


def test_an_objection_beats_no_consent_be_it_earlier_or_later(
    broker: Broker, client: Client, other_client: Client
) -> None:
    consented(broker, client)
    objected(broker)
    assert permitted(broker, client)
    consented(broker, other_client)
    assert permitted(broker, other_client)


def test_consent_given_later_to_one_client_is_that_clients_alone(
    broker: Broker, client: Client, other_client: Client, clock: Clock
) -> None:
    for who in (client, other_client):
        offered(broker, who)
    objected(broker)
    clock.passes(days=1)
    consented(broker, client, valid_for="P1D")
    assert [True, False] == [permitted(broker, who) for who in (client, other_client)]
    clock.passes(days=1)
    assert [NO_BASIS] * 2 == [answer(broker, who) for who in (client, other_client)]


def test_to_a_client_an_objection_reads_like_an_account_that_nobody_knows(broker: Broker, client: Client) -> None:
    nobody = asked(broker, client, a_question(an_account("99999999"))).decision
    offered(broker, client)
    objected(broker)
    assert repr(nobody) == repr(asked(broker, client).decision)


# --- refusals and withdrawals --------------------------------------------------------------------------------


@TAGS
@pytest.mark.parametrize("identifier", [an_identifier(), OTHER], ids=["the same record", "another record"])
def test_a_refusal_blocks_the_other_grounds_for_that_client_alone(
    sqlite_broker: Broker, tag: object, identifier: object
) -> None:
    broker, client, other_client = sqlite_broker, registered(sqlite_broker), registered(sqlite_broker)
    for who in (client, other_client):
        offered(broker, who, tag, identifier=identifier)  # type: ignore[arg-type]
        assert permitted(broker, who, identifier=identifier)
    refused(broker, client)
    assert NO_BASIS == answer(broker, client, identifier=identifier)
    assert permitted(broker, other_client, identifier=identifier)


@TAGS
def test_a_withdrawal_blocks_the_other_grounds_for_that_client_whatever_the_record(
    broker: Broker, client: Client, other_client: Client, tag: object
) -> None:
    for who in (client, other_client):
        for identifier in (an_identifier(), OTHER):
            offered(broker, who, tag, identifier=identifier)  # type: ignore[arg-type]
    withdrew(broker, consented(broker, client))
    assert "withdrawn" == answer(broker, client)[0]
    assert NO_BASIS == answer(broker, client, identifier=OTHER)
    assert [True, True] == [permitted(broker, other_client, identifier=name) for name in (an_identifier(), OTHER)]


@BY
def test_a_no_holds_for_what_is_offered_after_it(broker: Broker, client: Client, by: dict[str, object]) -> None:
    refused(broker, client)
    assert offered(broker, client, identifier=OTHER, **by).ground is not None
    assert NO_BASIS == answer(broker, client, identifier=OTHER, **by)


def test_a_no_by_a_handle_that_was_left_since_still_holds(broker: Broker, client: Client) -> None:
    """The client may not know whose the handle is; the person's no counts all the same."""
    offered(broker, client, **BY_HANDLE)
    refused(broker, client, an_account())
    assert NO_BASIS == answer(broker, client, **BY_HANDLE)


def test_a_consent_after_a_refusal_counts_and_its_end_blocks_again(
    broker: Broker, client: Client, clock: Clock
) -> None:
    offered(broker, client)
    refused(broker, client)
    clock.passes(days=1)
    consented(broker, client, valid_for="P1D")
    assert permitted(broker, client)
    clock.passes(days=1)
    assert not permitted(broker, client)


@pytest.mark.parametrize("ends", ["expired", "given up"])
def test_a_consent_that_ended_without_the_persons_no_leaves_the_other_grounds(
    broker: Broker, client: Client, clock: Clock, ends: str
) -> None:
    offered(broker, client)
    record = consented(broker, client, valid_for="P1D")
    if ends == "expired":
        clock.passes(days=1)
    else:
        with broker.database.transaction() as tx:
            relinquish_grant(tx, broker, client_id=client.client_id, grant_id=record.grant_id)
    decision = asked(broker, client).decision
    assert (True, "user_provided") == (decision.permitted, decision.basis)


# --- contact --------------------------------------------------------------------------------------------------


@pytest.fixture
def messenger(broker: Broker) -> Client:
    """Give a business that declared contact."""
    return registered(broker, purposes=("customer-care", "contact"))


def may_write(broker: Broker, client: Client) -> tuple[str | None, tuple[str, ...]]:
    """Ask whether a message may go, and take the reason (None: permitted) and the clauses."""
    decision = contacted(broker, client).decision
    return decision.reason, decision.clauses


@pytest.mark.parametrize("one", [True, False], ids=["to one client", "to all"])
def test_an_objection_beats_a_consent_to_contact_that_came_before_it(
    broker: Broker, messenger: Client, clock: Clock, *, one: bool
) -> None:
    consented(broker, messenger, None, "contact", purposes=("contact",))
    assert (None, ("CONTACT-1",)) == may_write(broker, messenger)
    objected(broker, to=messenger.client_id if one else "*")
    assert ("no_basis", ("CONTACT-2",)) == may_write(broker, messenger)
    clock.passes(days=1)
    assert ("no_basis", ("CONTACT-2",)) == may_write(broker, messenger)
    took_back(broker, to=messenger.client_id if one else "*")
    assert (None, ("CONTACT-1",)) == may_write(broker, messenger)


def test_a_consent_to_contact_after_the_objection_is_the_persons_later_word(
    broker: Broker, messenger: Client, clock: Clock
) -> None:
    objected(broker)
    clock.passes(microseconds=1)
    consented(broker, messenger, None, "contact", purposes=("contact",))
    assert (None, ("CONTACT-1",)) == may_write(broker, messenger)
    clock.passes(microseconds=1)
    objected(broker, to=messenger.client_id)
    assert ("no_basis", ("CONTACT-2",)) == may_write(broker, messenger)
