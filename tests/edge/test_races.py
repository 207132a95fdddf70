"""Everything at once: what may happen once happens once, and what was acknowledged holds."""

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from harness import tags, wire
from harness.business import Business, person_email
from harness.evidence import payload_of
from harness.forms import Form
from harness.person import Linked, Person
from harness.running import RunningBroker

EXCHANGES = 100
ROUNDS = 4
HAMMERS = 6


def sent_by(person: Person) -> dict[str, str]:
    """Return the headers with which a person's browser sends a form."""
    return {"Cookie": person.browser.cookie_line, "Origin": "null", "Sec-Fetch-Site": "same-origin"}


def test_of_a_hundred_exchanges_of_one_code_at_most_one_gives_a_token(business: Business, person: Person) -> None:
    asked = business.par()
    code = person.code(business, asked)

    def exchange(_: int) -> tuple[int, str]:
        answer = business.exchange(code, asked.verifier)
        return answer.status_code, answer.json().get("access_token", "")

    with ThreadPoolExecutor(16) as racers:
        answers = list(racers.map(exchange, range(EXCHANGES)))
    assert (1, EXCHANGES - 1) == tuple([status for status, _ in answers].count(one) for one in (200, 400))
    (token,) = [token for _, token in answers if token]
    answer = wire.get(f"{business.issuer}/v1/grants/{'a' * 26}", headers=wire.bearer(token))
    assert 401 == answer.status_code


def test_of_many_presses_of_allow_one_gives_a_code(business: Business, person: Person) -> None:
    email = wire.fresh_email()
    notice = person.to_notice(business, business.par(details=business.details(identifier=person_email(email))))
    sent = [*notice.form.filled(ticked={"customer-care"}), ("choice", "allow")]
    headers = sent_by(person)

    def press(_: int) -> str:
        answer = wire.post(notice.form.action, data=sent, headers=headers)
        assert answer.status_code < 500
        return answer.headers.get("Location", "")

    with ThreadPoolExecutor(12) as racers:
        places = list(racers.map(press, range(24)))
    assert 1 == len({wire.query_of(place)["code"] for place in places if "code=" in place})
    page = person.signs_in()
    assert 1 == len([form for form in page.reading.forms if form.named("grant_id")])


def test_allow_and_refuse_at_once_make_one_choice(business: Business, new_person: Callable[..., Person]) -> None:
    for _ in range(ROUNDS):
        person, email = new_person(), wire.fresh_email()
        notice = person.to_notice(business, business.par(details=business.details(identifier=person_email(email))))
        headers = sent_by(person)
        forms = [[*notice.form.filled(ticked={"customer-care"}), ("choice", "allow")],
                 [*notice.form.filled(), ("choice", "refuse")]] * 3  # fmt: skip
        with ThreadPoolExecutor(6) as racers:
            sends = [racers.submit(wire.post, notice.form.action, data=form, headers=headers) for form in forms]
            places = [send.result().headers.get("Location", "") for send in sends]
        allowed, refused = (any(word in place for place in places) for word in ("code=", "error=access_denied"))
        assert allowed != refused
        assert allowed == business.match(person.account.id, email)["decision"]


def test_of_two_browsers_racing_for_a_request_uri_one_is_served(business: Business) -> None:
    for _ in range(ROUNDS):
        url = business.authorize_url(business.par())
        with ThreadPoolExecutor(8) as racers:
            statuses = list(racers.map(lambda _, url=url: wire.get(url).status_code, range(8)))
        assert (1, 7) == (statuses.count(303), statuses.count(400))


def test_a_callback_that_races_itself_is_answered_once(business: Business, new_person: Callable[..., Person]) -> None:
    for _ in range(ROUNDS):
        person = new_person()
        callback = person.callback_url(person.to_platform(business, business.par()))
        headers = sent_by(person)
        with ThreadPoolExecutor(6) as racers:
            statuses = list(racers.map(lambda _, u=callback, h=headers: wire.get(u, headers=h).status_code, range(6)))
        assert (1, 5) == (statuses.count(303), sum(statuses.count(one) for one in (400, 403)))


def test_two_ways_of_a_new_account_may_come_back_at_once(business: Business, new_person: Callable[..., Person]) -> None:
    for _ in range(ROUNDS):
        person = new_person()
        ways = [person.callback_url(person.to_platform(business, business.par())) for _ in range(4)]
        headers = {"Cookie": person.browser.cookie_line}
        with ThreadPoolExecutor(4) as racers:
            statuses = list(racers.map(lambda url, h=headers: wire.get(url, headers=h).status_code, ways))
        assert [303] * 4 == statuses


@pytest.mark.parametrize(("choice", "word"), [("refuse", "error=access_denied"), ("allow", "code=")])
def test_two_answers_about_one_pair_at_once_are_both_taken(
    business: Business, new_person: Callable[..., Person], choice: str, word: str
) -> None:
    for _ in range(ROUNDS):
        person, email = new_person(), wire.fresh_email()
        details = business.details(identifier=person_email(email))
        notices = [person.to_notice(business, business.par(details=details)) for _ in range(3)]
        forms = [(one.form.action, [*one.form.filled(ticked={"customer-care"}), ("choice", choice)]) for one in notices]
        headers = sent_by(person)
        with ThreadPoolExecutor(3) as racers:
            sends = [racers.submit(wire.post, url, data=form, headers=headers) for url, form in forms]
            places = [send.result().headers.get("Location", "") for send in sends]
        assert [True] * 3 == [word in place for place in places]
        assert (choice == "allow") == business.match(person.account.id, email)["decision"]


@dataclass(frozen=True)
class Asked:
    """One answered match: when it was sent, and whether it permitted."""

    sent: float
    permitted: bool


class Hammer:
    """A thread that asks for the same match again and again."""

    def __init__(self, business: Business, body: dict[str, Any]) -> None:
        self.business, self.body = business, body
        self.asked: list[Asked] = []
        self.failures: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._hammer)

    def _hammer(self) -> None:
        while not self._stop.is_set():
            sent = time.monotonic()
            answer = self.business.ask_match(self.body)
            if answer.status_code == 200:
                self.asked.append(Asked(sent, answer.json()["decision"]))
            else:
                self.failures.append(answer.text)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Stop, and wait for the last answer."""
        self._stop.set()
        self._thread.join()


def hammered(
    business: Business, account: str, email: str, end_it: Callable[[], int]
) -> tuple[list[Asked], list[str], float]:
    """End what permits, under fire; return what was asked, what failed, and when the end was acknowledged."""
    business.client_token()
    hammers = [Hammer(business, business.match_request(account, email)) for _ in range(HAMMERS)]
    for hammer in hammers:
        hammer.start()
    time.sleep(0.25)
    status = end_it()
    acknowledged = time.monotonic()
    time.sleep(0.25)
    for hammer in hammers:
        hammer.stop()
    assert status < 400
    asked = [one for hammer in hammers for one in hammer.asked]
    return asked, [failure for hammer in hammers for failure in hammer.failures], acknowledged


def check(asked: list[Asked], failures: list[str], acknowledged: float) -> None:
    """Hold that no match started after the acknowledgement was permitted, and that some were before."""
    assert [] == failures
    after = [one for one in asked if one.sent > acknowledged]
    assert any(one.permitted for one in asked)
    assert after
    assert [] == [one for one in after if one.permitted]


def test_no_match_started_after_a_withdrawal_was_acknowledged_is_permitted(
    business: Business, new_person: Callable[..., Person]
) -> None:
    for _ in range(ROUNDS):
        person = new_person()
        linked = person.consents(business)
        page = person.browser.open(payload_of(linked.receipt)["record"]["withdrawal"]["uri"])

        def withdraw(person: Person = person, page: object = page) -> int:
            return person.browser.submit(page.form, button=("choice", "withdraw")).status  # type: ignore[attr-defined]

        check(*hammered(business, linked.account.id, linked.email, withdraw))


def test_no_match_started_after_a_grant_was_given_up_is_permitted(
    business: Business, new_person: Callable[..., Person]
) -> None:
    for _ in range(ROUNDS):
        linked = new_person().consents(business)
        business.client_token("consent")

        def give_up(linked: Linked = linked) -> int:
            return business.grant(linked.grant_id, "DELETE").status_code

        check(*hammered(business, linked.account.id, linked.email, give_up))


def test_no_match_started_after_an_objection_was_acknowledged_is_permitted(
    business: Business, new_person: Callable[..., Person]
) -> None:
    for _ in range(ROUNDS):
        person, email = new_person(), wire.fresh_email()
        assert 201 == business.associate(person.account.id, email, tags.user_provided()).status_code
        forms = person.signs_in().reading.forms
        (form,) = [one for one in forms if one.action.endswith("/consents/object") and not one.named("client_id")]

        def object_to_it(person: Person = person, form: Form = form) -> int:
            return person.browser.submit(form, button=("choice", "object")).status

        check(*hammered(business, person.account.id, email, object_to_it))


def test_no_match_started_after_a_refused_origin_was_answered_is_permitted(business: Business) -> None:
    for _ in range(ROUNDS):
        account, email = wire.fresh_account(), wire.fresh_email()
        assert 201 == business.associate(account, email, tags.user_provided()).status_code

        def give_it_away(account: str = account, email: str = email) -> int:
            refused = business.associate(account, email, tags.in_directory(origin="bought"))
            return 200 if refused.status_code == 422 else 500

        check(*hammered(business, account, email, give_it_away))


def test_no_match_started_after_a_suspension_was_acknowledged_is_answered(broker: RunningBroker) -> None:
    shop, account, email = broker.business(), wire.fresh_account(), wire.fresh_email()
    assert 201 == shop.associate(account, email, tags.user_provided()).status_code

    def suspend() -> int:
        return len(broker.command("clients", "suspend", shop.client_id, "--why", "under fire")) and 200

    asked, failures, acknowledged = hammered(shop, account, email, suspend)
    assert any(one.permitted for one in asked)
    assert [] == [one for one in asked if one.sent > acknowledged]
    assert failures
    assert {(401, "SURVEILLANCE-8")} == {(told["status"], *told["clauses"]) for told in map(json.loads, failures)}


def test_two_hands_withdrawing_at_once_write_one_withdrawal(
    business: Business, new_person: Callable[..., Person]
) -> None:
    for _ in range(ROUNDS):
        person = new_person()
        linked = person.consents(business)
        page = person.browser.open(payload_of(linked.receipt)["record"]["withdrawal"]["uri"])
        sent = [*page.form.filled(), ("choice", "withdraw")]
        headers = sent_by(person)
        with ThreadPoolExecutor(6) as hands:
            sends = [hands.submit(wire.post, page.form.action, data=sent, headers=headers) for _ in range(6)]
            assert set() == {send.result().status_code for send in sends} - {200, 303}
        receipts = {link.removesuffix("/download") for link in person.signs_in().reading.links if "/receipts/" in link}
        assert 2 == len(receipts)
