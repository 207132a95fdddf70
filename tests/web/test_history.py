"""Who asked about me, what has ended, and everything to read: pages that are long, and open no receipt for a list."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from acts_of_terms import contacted, offered
from builders import (
    Clock,
    a_question,
    a_tag,
    an_account,
    an_identifier,
    asked,
    consented,
    proved,
    refused,
    registered,
)
from flask.testing import FlaskClient
from harness.forms import read
from sqlalchemy import event
from web.test_records import get, person_of, visit

from broker.actions.broker import Broker
from broker.actions.list_questions import QuestionView
from broker.actions.withdraw_consent import withdraw_consent
from broker.core.client import Client
from broker.core.conditions import ACTS
from broker.core.evidence import TAGS
from broker.core.policy import REASONS
from broker.store.questions import Told
from broker.web import asked_words
from broker.web.places import PAGE
from broker.web.revocation import RECENT

JANE = an_account()


@pytest.fixture
def client(broker: Broker) -> Client:
    """Give a registered business."""
    return registered(broker)


@contextmanager
def statements(broker: Broker) -> Iterator[list[str]]:
    """Note every statement that is sent meanwhile."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    event.listen(broker.database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(broker.database.engine, "before_cursor_execute", note)


def words(text: str) -> str:
    """Return what a page says."""
    return " ".join(read("https://localhost/", text).words.split())


def links(text: str, beginning: str) -> list[str]:
    """Return the addresses of a page's links that begin so."""
    found = [link.removeprefix("https://localhost") for link in read("https://localhost/", text).links]
    return [link for link in found if link.startswith(beginning)]


# --- who asked ------------------------------------------------------------------------------------------------


def test_each_question_says_who_asked_for_what_what_they_were_told_and_by_which_clause(
    broker: Broker, http: FlaskClient, client: Client
) -> None:
    consented(broker, client, None, "customer-care")
    asked(broker, client)
    asked(broker, client, a_question(purpose="newsletter"))
    contacted(broker, client)
    page = get(visit(broker, http), "/consents/asked").text
    said = words(page)
    for part in (
        "Northwind Bikes 23 November 2026, 12:00 UTC Asked whether this account belongs to one of its records.",
        "For: Customer care. Yes: you had allowed it. Decided by: MATCH-2",
        "For: Newsletter. No: not for this purpose.",
        "Asked whether it may send this account an automated message. For: Automated messages.",
        "No: it is not registered for this purpose.",
    ):
        assert part in said
    assert "/policies/x-developer-terms#MATCH-2" in links(page, "/policies/")


def test_a_question_by_the_handle_says_so_and_names_no_record(
    broker: Broker, http: FlaskClient, client: Client
) -> None:
    proved(broker, JANE, None)
    unknown = an_identifier("somebody.else@mailbox.example")
    asked(broker, client, a_question(account_id=None, handle=JANE.handle, identifier=unknown))
    page = get(visit(broker, http), "/consents/asked").text
    assert "It named the account by its handle." in words(page)
    assert "mailbox.example" not in page


def test_a_long_list_comes_in_pages_that_lead_to_one_another(broker: Broker, http: FlaskClient, client: Client) -> None:
    proved(broker, JANE, None)
    for _ in range(PAGE + 1):
        asked(broker, client)
    first = get(visit(broker, http), "/consents/asked").text
    (earlier,) = links(first, "/consents/asked?before=")
    second = get(http, earlier).text
    assert [PAGE, 1] == [text.count('class="card asked"') for text in (first, second)]
    assert [] == links(second, "/consents/asked?before=")
    assert "/consents/asked" in links(second, "/consents/asked")


def test_one_business_can_be_chosen_and_stays_chosen(broker: Broker, http: FlaskClient, client: Client) -> None:
    other = registered(broker, client_name="Contoso Market")
    proved(broker, JANE, None)
    asked(broker, other)
    for _ in range(PAGE + 1):
        asked(broker, client)
    page = get(visit(broker, http), f"/consents/asked?business={client.client_id}").text
    assert (PAGE, True) == (page.count('class="card asked"'), f'value="{client.client_id}" selected' in page)
    (earlier,) = links(page, f"/consents/asked?business={client.client_id}&before=")
    assert 1 == get(http, earlier).text.count('class="card asked"')


@pytest.mark.parametrize("query", ["?before=", "?before=1", "?business=%00", "?business=1&business=2", "?before=x.y"])
def test_an_address_that_no_page_led_to_is_a_page_that_says_so(
    broker: Broker, http: FlaskClient, client: Client, query: str
) -> None:
    consented(broker, client)
    assert 400 == get(visit(broker, http), f"/consents/asked{query}").status_code


def test_nobody_has_asked(broker: Broker, http: FlaskClient) -> None:
    proved(broker, JANE, None)
    assert "Nobody has." in words(get(visit(broker, http), "/consents/asked").text)


@pytest.mark.parametrize("path", ["/consents/asked", "/consents/past", "/consents/everything"])
def test_who_is_not_signed_in_is_led_to_the_sign_in(http: FlaskClient, path: str) -> None:
    answer = get(http, path)
    assert (303, "/consents") == (answer.status_code, answer.headers["Location"])


def question(**told: Any) -> QuestionView:  # noqa: ANN401 - any field of it
    """Make a question up."""
    whole = {"decision_id": "", "client_id": "", "act": "match", "purpose": "customer-care", "permitted": False}
    rest = {"basis": None, "reason": None, "clauses": (), "decided_at": None, "by_handle": False, "place": None}
    return QuestionView(told=Told(**{**whole, **rest, **told}), client=None)


def test_everything_that_can_be_asked_and_told_has_words_of_its_own(http: FlaskClient) -> None:
    assert set(asked_words.ASKED) <= set(ACTS)
    with http.application.test_request_context():
        yes = [asked_words.told_words(question(permitted=True, basis=basis)) for basis in ("consent", *TAGS)]
        no = [asked_words.told_words(question(reason=reason)) for reason in REASONS]
        by_clause = [
            asked_words.told_words(question(reason="no_basis", clauses=("X-1", clause)))
            for clause in asked_words.BY_CLAUSE
        ]
    said = [*yes, *no, *by_clause]
    assert len(said) == len(set(said))
    assert [] == [text for text in said if not re.fullmatch(r"(Yes|No): .+\.", text)]


def test_what_was_written_down_as_nobodys_purpose_is_called_so(http: FlaskClient) -> None:
    with http.application.test_request_context():
        found = [asked_words.asked_purpose(question(purpose=purpose)) for purpose in ("other", "newsletter")]
        assert ["a purpose that nobody knows", "Newsletter"] == found
        assert "" == asked_words.asked_purpose(question(act="associate", purpose="other"))


# --- what has ended -------------------------------------------------------------------------------------------


def lives_on(broker: Broker, client: Client, clock: Clock, *, ended: int, refusals: int, standing: int) -> None:
    """Let somebody give, withdraw and refuse, one after another."""
    for number in range(ended + standing):
        clock.passes(minutes=1)
        record = consented(broker, client, identifier=an_identifier(f"jane{number}@mailbox.example"))
        if number < ended:
            with broker.database.transaction() as tx:
                withdraw_consent(tx, broker, account=record.account, grant_id=record.grant_id)
    for number in range(refusals):
        clock.passes(minutes=1)
        refused(broker, client, identifier=an_identifier(f"no{number}@mailbox.example"))


def test_the_first_page_is_bounded_and_leads_to_the_rest(
    broker: Broker, http: FlaskClient, client: Client, clock: Clock
) -> None:
    lives_on(broker, client, clock, ended=RECENT, refusals=2, standing=2)
    with statements(broker) as sent:
        page = get(visit(broker, http), "/consents").text
    assert (2, RECENT + 2) == (page.count('name="grant_id"'), page.count("<article"))
    assert ["/consents/past"] == links(page, "/consents/past")
    whole = get(http, "/consents/past").text
    assert (RECENT + 2, 2) == (whole.count("<article"), whole.count("You said no on"))
    # A list names receipts; none is opened for it.
    assert [] == [statement for statement in sent if "sealed_jwt" in statement]


def test_many_consents_that_stand_come_in_pages_too(
    broker: Broker, http: FlaskClient, client: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("broker.web.revocation.PAGE", 2)
    lives_on(broker, client, clock, ended=0, refusals=0, standing=3)
    first = get(visit(broker, http), "/consents").text
    (earlier,) = links(first, "/consents?before=")
    second = get(http, earlier).text
    assert [2, 1] == [text.count('name="grant_id"') for text in (first, second)]
    assert all("/consents/withdraw-all" in text for text in (first, second))


def test_what_ended_by_its_date_alone_is_among_what_has_ended(
    broker: Broker, http: FlaskClient, client: Client, clock: Clock
) -> None:
    consented(broker, client, valid_for="P1D")
    clock.passes(days=2)
    page = get(visit(broker, http), "/consents").text
    assert (0, True) == (page.count('name="grant_id"'), "Expired" in words(page))


# --- everything to read ---------------------------------------------------------------------------------------


def test_everything_is_told_in_plain_words_on_one_page_that_needs_no_other_file(
    broker: Broker, http: FlaskClient, client: Client, clock: Clock
) -> None:
    other = registered(broker, client_name="Contoso Market")
    lives_on(broker, client, clock, ended=1, refusals=1, standing=1)
    offered(broker, other, a_tag())
    asked(broker, other)
    proved(broker, JANE, None, gpc=True)
    answer = get(visit(broker, http), "/consents/everything")
    said = words(answer.text)
    for part in (
        "This is what https://consent.example keeps about this account, as of",
        f"@{JANE.handle}",
        "Withdrawn by you",
        "You said no on",
        "It says that you gave it your details yourself.",
        "your browser signals that nothing about you be sold or shared (Global Privacy Control)",
        "Contoso Market , 23 November 2026",
        "Asked whether this account belongs to one of its records. For: Customer care.",
        "Northwind Bikes asks to link your X account to its record about you",
    ):
        assert part in said, part
    style = re.findall(r"<style>(.+?)</style>", answer.text, re.DOTALL)
    assert (1, True) == (len(style), "@media print" in style[0])
    policy = answer.headers["Content-Security-Policy"]
    assert ("style-src 'sha256-" in policy, "'unsafe-inline'" in policy) == (True, False)
    assert "broker.css" not in answer.text


def test_the_words_on_it_are_those_that_were_signed_and_nobody_elses(
    broker: Broker, http: FlaskClient, client: Client
) -> None:
    consented(
        broker, client, an_account("7777777", "BobCanary"), identifier=an_identifier("bob.canary@mailbox.example")
    )
    consented(broker, client)
    text = get(visit(broker, http), "/consents/everything").text
    assert "ties @JaneCanary on X to the e-mail address j•••@mailbox.example" in words(text)
    assert [] == [word for word in ("BobCanary", "bob.canary", "7777777") if word in text]


# --- the signal -----------------------------------------------------------------------------------------------


def test_the_person_sees_the_signal_lifts_it_and_lets_it_count_again(
    broker: Broker, http: FlaskClient, clock: Clock
) -> None:
    proved(broker, JANE, None, gpc=True)
    clock.passes(days=1)
    page = get(visit(broker, http), "/consents").text
    assert "Since 23 November 2026 your browser signals" in words(page)
    assert "no business may match this account for: Direct marketing." in words(page)
    for choice, told in (("lift", "counts no longer"), ("heed", "counts again")):
        (form,) = [it for it in read("https://localhost/consents", page).forms if it.action.endswith("/signal")]
        sent = dict(form.filled(button=("choice", choice)))
        answer = http.post("/consents/signal", data=sent, base_url="https://localhost")
        assert 303 == answer.status_code
        page = get(http, answer.headers["Location"]).text
        assert told in words(page)
    assert person_of(broker, JANE).key


def test_a_browser_that_signals_nothing_is_not_spoken_of(broker: Broker, http: FlaskClient, client: Client) -> None:
    consented(broker, client)
    assert "Global Privacy Control" not in get(visit(broker, http), "/consents").text


def test_the_moment_of_the_latest_question_leads_to_them(
    broker: Broker, http: FlaskClient, client: Client, clock: Clock
) -> None:
    proved(broker, JANE, None)
    clock.now += timedelta(days=1)
    asked(broker, client)
    page = get(visit(broker, http), "/consents").text
    assert [f"/consents/asked?business={client.client_id}"] == links(page, "/consents/asked?")
