"""Pages of one's own keep nobody waiting: strangers begin nothing, and what a long page gathers holds no writer up."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from builders import asked, consented, registered
from flask.testing import FlaskClient
from sqlalchemy import Connection, event

from broker.actions.broker import Broker
from broker.actions.sign_in import sign_in
from broker.store.people import find_person
from broker.web.security import BROWSER_COOKIE, PERSON_COOKIE

HOME = "https://localhost"
PAGES = ["", "/asked", "/past", "/everything", "/export", "/erase", f"/receipts/{'a' * 26}"]
WRITING = "BEGIN IMMEDIATE"


@pytest.fixture
def statements(broker: Broker) -> Iterator[list[tuple[str, bool]]]:
    """Give each statement that the database is asked, and whether it is a look's."""
    noted: list[tuple[str, bool]] = []

    def note(connection: Connection, _cursor: object, statement: str, *_rest: object) -> None:
        noted.append((statement, bool(connection.get_execution_options().get("reading"))))

    event.listen(broker.database.engine, "before_cursor_execute", note)
    yield noted
    event.remove(broker.database.engine, "before_cursor_execute", note)


@pytest.mark.parametrize("page", [*PAGES, f"/{'a' * 43}"])
@pytest.mark.parametrize("cookie", [None, "a" * 43], ids=["no cookie", "a made-up cookie"])
def test_whoever_is_not_signed_in_begins_nothing_that_others_wait_for(
    http: FlaskClient, statements: list[tuple[str, bool]], page: str, cookie: str | None
) -> None:
    if cookie:
        http.set_cookie(PERSON_COOKIE, cookie, domain="localhost", secure=True)
    assert http.get(f"/consents{page}", base_url=HOME).status_code in {200, 303, 401, 404}
    assert WRITING not in [statement for statement, _looks in statements]


@pytest.mark.parametrize(
    "address",
    [
        "/oauth/authorize?client_id={id}&request_uri=urn:ietf:params:oauth:request_uri:made-up",
        "/oauth/authorize?client_id=nobody&request_uri=made-up",
        "/link/x/callback?state=made-up&code=made-up",
        "/consent/{id}",
    ],
)
def test_a_way_that_nobody_began_begins_nothing(
    broker: Broker, http: FlaskClient, statements: list[tuple[str, bool]], address: str
) -> None:
    http.set_cookie(BROWSER_COOKIE, "a" * 43, domain="localhost", secure=True)
    statements.clear()
    answer = http.get(address.format(id=broker.new_id()), base_url=HOME)
    assert (400, True) == (answer.status_code, "took too long" in answer.text)
    assert WRITING not in [statement for statement, _looks in statements]


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ("withdraw", 401), ("withdraw-all", 401), ("object", 401), ("signal", 401), ("not-me", 401), ("sign-out", 303),
        ("erase", 403), ("a" * 43, 404), ("sign-in", 403),
    ],
)  # fmt: skip
def test_a_form_of_a_session_that_there_is_not_begins_nothing(
    http: FlaskClient, statements: list[tuple[str, bool]], form: str, status: int
) -> None:
    """Whoever asks to sign in is shown a token of a form for the cookie that they made up."""
    made_up = "a" * 43
    http.set_cookie(BROWSER_COOKIE, made_up, domain="localhost", secure=True)
    csrf = re.search('name="csrf" value="([^"]+)"', http.get("/consents", base_url=HOME).text)
    assert csrf is not None
    http.set_cookie(PERSON_COOKIE, made_up, domain="localhost", secure=True)
    if form == "sign-in":  # with that token it begins what it must keep: the way to the platform
        http.set_cookie(BROWSER_COOKIE, "b" * 43, domain="localhost", secure=True)
    more = {"choice": "object" if form == "object" else "lift", "grant_id": made_up, "platform": "x"}
    answer = http.post(f"/consents/{form}", base_url=HOME, data={"csrf": csrf[1], **more})
    assert status == answer.status_code
    assert WRITING not in [statement for statement, _looks in statements]


@pytest.mark.parametrize("page", PAGES[:-2])
def test_what_a_page_shows_is_gathered_in_a_look(
    broker: Broker, http: FlaskClient, statements: list[tuple[str, bool]], page: str
) -> None:
    client = registered(broker)
    record = consented(broker, client)
    asked(broker, client)
    with broker.database.transaction() as tx:
        person = find_person(tx, broker.sealer, record.account)
        assert person is not None
        session = sign_in(tx, broker, person)
    http.set_cookie(PERSON_COOKIE, session, domain="localhost", secure=True)
    statements.clear()
    assert 200 == http.get(f"/consents{page}", base_url=HOME).status_code
    gathered = [
        looks for statement, looks in statements if "FROM consents" in statement or "FROM decisions" in statement
    ]
    assert gathered
    assert all(gathered)
