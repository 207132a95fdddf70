"""A statement that fails, at every place where one can: nothing is half done, and nobody is told that it was done."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from builders import (
    BROWSER,
    a_choice,
    a_pen,
    a_question,
    a_registration,
    a_request,
    a_tag,
    an_account,
    asked,
    consented,
    proved,
    registered,
)
from invariants import faults_in
from raw_rows import Rows, all_rows
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from broker.actions.broker import Broker
from broker.actions.change_standing import Change, suspend_client
from broker.actions.check_contact import check_contact
from broker.actions.decide_match import answer_offer
from broker.actions.linking import begin_link, claim_callback, new_attempt, record_proof
from broker.actions.record_consent import record_consent
from broker.actions.refuse_consent import refuse_consent
from broker.actions.register_client import register_client
from broker.actions.withdraw_consent import relinquish_grant, withdraw_consent
from broker.core.client import Client
from broker.core.fingerprint import Fingerprint
from broker.errors import Unavailable
from broker.store.database import Database
from broker.store.projecting import project
from broker.store.trail import begin_trail
from broker.store.transaction import Transaction

Act = Callable[[Transaction], object]
#: More statements than any verb has: a loop that reaches it never ends by itself.
TOO_MANY = 100


@contextmanager
def failing_at(database: Database, number: int) -> Iterator[list[str]]:
    """Let the n-th statement from now on fail as a full disk does; beyond the last statement, the commit."""
    sent: list[str] = []

    def before(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.startswith(("BEGIN", "SELECT pg_catalog")):
            return
        sent.append(statement)
        if len(sent) == number:
            raise OperationalError(statement, {}, sqlite3.OperationalError("database or disk is full"))

    event.listen(database.engine, "before_cursor_execute", before)
    try:
        yield sent
    finally:
        event.remove(database.engine, "before_cursor_execute", before)


@contextmanager
def failing_commit(database: Database) -> Iterator[None]:
    """Let the next commit fail as a full disk does."""

    def before(_connection: object) -> None:
        raise OperationalError("COMMIT", {}, sqlite3.OperationalError("database or disk is full"))

    event.listen(database.engine, "commit", before)
    try:
        yield
    finally:
        event.remove(database.engine, "commit", before)


def rows(database: Database) -> Rows:
    """Read every row, in an order of its own."""
    with database.transaction() as tx:
        return {name: sorted(content, key=repr) for name, content in all_rows(tx).items()}


def a_yes(broker: Broker, client: Client) -> Act:
    seen = proved(broker, an_account(), a_request(client))
    return lambda tx: record_consent(tx, broker, client, a_choice(seen, "customer-care"))


def a_no(broker: Broker, client: Client) -> Act:
    seen = proved(broker, an_account(), a_request(client))
    return lambda tx: refuse_consent(tx, broker, client, a_choice(seen))


def a_withdrawal(broker: Broker, client: Client) -> Act:
    record = consented(broker, client)
    return lambda tx: withdraw_consent(tx, broker, account=record.account, grant_id=record.grant_id)


def a_giving_up(broker: Broker, client: Client) -> Act:
    record = consented(broker, client)
    return lambda tx: relinquish_grant(tx, broker, client_id=client.client_id, grant_id=record.grant_id)


def a_proof(broker: Broker, client: Client) -> Act:
    attempt = new_attempt(broker, "x")
    proved(broker, an_account("7777777", "JaneCanary"), None)
    with broker.database.transaction() as tx:
        begin_link(tx, broker, platform="x", attempt=attempt, request=a_request(client), browser=BROWSER)

    def prove(tx: Transaction) -> object:
        link, _ = claim_callback(tx, broker, platform="x", state=attempt.state, browser=BROWSER)
        return record_proof(tx, broker, link, an_account(), browser=BROWSER)

    return prove


def an_offer(broker: Broker, client: Client) -> Act:
    return lambda tx: answer_offer(tx, broker, client, a_question(purpose="", provenance=a_tag()))


def an_offer_from_a_refused_origin(broker: Broker, client: Client) -> Act:
    proved(broker, an_account(), None)
    asked_by = {"account_id": None, "handle": "JaneCanary", "purpose": ""}
    return lambda tx: answer_offer(tx, broker, client, a_question(**asked_by, provenance=a_tag(origin="bought")))


def a_registration_of_its_own(broker: Broker, _client: Client) -> Act:
    return lambda tx: register_client(tx, broker, a_registration(owner="Contoso"))


def a_suspension(broker: Broker, client: Client) -> Act:
    return lambda tx: suspend_client(tx, broker, client.client_id, Change(who="Sam", why="sells what it learns"))


def a_message(broker: Broker, _client: Client) -> Act:
    messenger = registered(broker, purposes=("contact",))
    consented(broker, messenger, purposes=("contact",))
    return lambda tx: check_contact(tx, broker, messenger, a_question(purpose="contact"), Fingerprint(simhash=1))


@pytest.mark.parametrize(
    ("prepare", "at_least"),
    [
        (a_yes, 10), (a_no, 8), (a_withdrawal, 12), (a_giving_up, 12), (a_proof, 6), (an_offer, 8),
        (an_offer_from_a_refused_origin, 6), (a_registration_of_its_own, 8), (a_suspension, 3), (a_message, 8),
    ],
)  # fmt: skip
def test_a_verb_whose_nth_statement_fails_has_done_nothing(
    broker: Broker, client: Client, prepare: Callable[[Broker, Client], Act], at_least: int
) -> None:
    act, database = prepare(broker, client), broker.database
    before = rows(database)
    with pytest.raises(Unavailable), failing_commit(database), database.transaction() as tx:
        act(tx)
    assert before == rows(database)
    for number in range(1, TOO_MANY):
        with failing_at(database, number) as sent:
            outcome = attempted(database, act)
        if outcome is None:
            break
        assert number == len(sent)
        assert before == rows(database)
    assert at_least < number < TOO_MANY
    assert before != rows(database)


def attempted(database: Database, act: Act) -> Unavailable | None:
    """Try a verb in a transaction of its own, unwatched; return how it failed."""
    try:
        with Database.transaction(database) as tx:
            act(tx)
    except Unavailable as failure:
        return failure
    return None


def test_a_withdrawal_that_failed_can_be_done_again_and_counts(broker: Broker, client: Client) -> None:
    withdraw = a_withdrawal(broker, client)
    with failing_at(broker.database, 8):
        assert isinstance(attempted(broker.database, withdraw), Unavailable)
    assert asked(broker, client).decision.permitted
    assert attempted(broker.database, withdraw) is None
    assert "withdrawn" == asked(broker, client).decision.reason


def test_a_match_whose_answer_cannot_be_written_down_is_not_answered(broker: Broker, client: Client) -> None:
    consented(broker, client)
    before = rows(broker.database)
    with failing_at(broker.database, 2), pytest.raises(Unavailable):
        asked(broker, client)
    assert before == rows(broker.database)


def test_a_verb_that_was_kept_half_done_would_be_seen(broker: Broker, client: Client) -> None:
    """The control: of the same verb, all that came before its n-th statement, as if that had been committed."""
    give, seen = a_yes(broker, client), []
    for number in range(1, TOO_MANY):
        with broker.database.engine.connect() as tx:
            trail = begin_trail(tx, a_pen())
            with failing_at(broker.database, number):
                half_done = fails(give, tx)
            if not half_done:
                project(tx, trail.touched)  # as each commit does
            seen.append(bool(faults_in(tx, broker)))
            tx.rollback()
        if not half_done:
            break
    assert not seen[-1]
    assert 8 <= sum(seen)


def fails(act: Act, tx: Transaction) -> bool:
    """Try a verb in a transaction that stays open."""
    try:
        act(tx)
    except OperationalError:
        return True
    return False
