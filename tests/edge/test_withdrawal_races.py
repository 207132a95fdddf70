"""A withdrawal against the exchange of the code it races with: no token, code or match survives it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness import wire
from harness.browser import Page
from harness.business import Business, person_email
from harness.person import Person

ROUNDS = 5


def withdrawing(person: Person) -> Callable[[], int]:
    """Return the press of the one button with which the person takes back what the page shows."""
    (form,) = [form for form in person.signs_in().reading.forms if form.named("grant_id")]
    sent = [*form.filled(), ("choice", "withdraw")]
    headers = {"Cookie": person.browser.cookie_line, "Origin": "null", "Sec-Fetch-Site": "same-origin"}
    return lambda: wire.post(form.action, data=sent, headers=headers).status_code


def test_nothing_survives_a_withdrawal_that_races_with_the_exchange_of_the_code(
    business: Business, new_person: Callable[..., Person]
) -> None:
    for _ in range(ROUNDS):
        person, email = new_person(), wire.fresh_email()
        pushed = business.par(details=business.details(identifier=person_email(email)))
        code = person.code(business, pushed)
        withdraw = withdrawing(person)
        with ThreadPoolExecutor(5) as racers:
            exchanges = [racers.submit(business.exchange, code, pushed.verifier) for _ in range(4)]
            withdrawal = racers.submit(withdraw)
        assert 303 == withdrawal.result()
        answers = [exchange.result() for exchange in exchanges]
        assert {answer.status_code for answer in answers} <= {200, 400}
        for answer in (answer for answer in answers if answer.status_code == 200):
            grant, token = answer.json()["grant_id"], answer.json()["access_token"]
            assert 401 == wire.get(f"{business.issuer}/v1/grants/{grant}", headers=wire.bearer(token)).status_code
            assert "withdrawn" == business.grant(grant).json()["status"]
        assert 400 == business.exchange(code, pushed.verifier).status_code
        assert "withdrawn" == business.reason(person.account.id, email)


def test_a_code_of_a_consent_that_was_withdrawn_gives_nothing(business: Business, person: Person, email: str) -> None:
    pushed = business.par(details=business.details(identifier=person_email(email)))
    code = person.code(business, pushed)
    assert 303 == withdrawing(person)()
    answer = business.exchange(code, pushed.verifier)
    assert (400, "invalid_grant") == (answer.status_code, answer.json()["error"])
    assert "withdrawn" == business.reason(person.account.id, email)


@pytest.mark.parametrize("again", ["before", "after"])
def test_of_a_second_yes_and_a_withdrawal_the_later_stands(
    business: Business, person: Person, email: str, again: str
) -> None:
    """The page with the button was opened before the second yes: whoever presses it then means what stands now."""

    def notice() -> Page:
        return person.to_notice(business, business.par(details=business.details(identifier=person_email(email))))

    person.allow(notice(), {"customer-care"})
    withdraw, second = withdrawing(person), notice()
    steps = [lambda: person.allow(second, {"customer-care"}).status, withdraw]
    for step in steps if again == "before" else steps[::-1]:
        step()
    expected = "withdrawn" if again == "before" else "permitted"
    assert expected == business.reason(person.account.id, email)
