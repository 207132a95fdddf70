"""Dev, staging and prod of one service have data of their own; only prod meets prod's."""

from collections.abc import Callable

import pytest
from harness import tags, wire
from harness.business import Business
from harness.person import Person
from harness.running import RunningBroker

pytestmark = pytest.mark.parametrize("broker", ["sqlite"], indirect=True, scope="session")


@pytest.fixture(scope="module")
def service(broker: RunningBroker) -> dict[str, Business]:
    """Register one service in two environments."""
    owner, use = wire.fresh("Owner "), f"Answer customers of {wire.fresh('Northwind ')} who write to us"
    return {
        name: broker.business(owner=owner, use_case=use, environment=name, client_name=f"Northwind ({name})")
        for name in ("dev", "prod")
    }


@pytest.mark.parametrize(("mine", "other"), [("dev", "prod"), ("prod", "dev")])
def test_a_consent_in_one_environment_is_none_in_the_other(
    service: dict[str, Business], person: Person, mine: str, other: str
) -> None:
    linked = person.consents(service[mine])
    assert "permitted" == service[mine].reason(linked.account.id, linked.email)
    denied = service[other].match(linked.account.id, linked.email)["context"]
    assert ("no_basis", ["MATCH-4"]) == (denied["reason"], denied["clauses"])
    by_handle = {"platform": "x", "handle": linked.account.handle}
    assert "permitted" == service[mine].reason(by_handle, linked.email)
    assert "no_basis" == service[other].reason(by_handle, linked.email)
    assert [200, 404] == [service[name].grant(linked.grant_id).status_code for name in (mine, other)]


def test_each_environment_has_a_page_of_its_own_for_the_same_account(
    service: dict[str, Business], person: Person
) -> None:
    linked = {name: person.consents(shop) for name, shop in service.items()}
    pages = {name: person.signs_in(environment=name) for name in ("dev", "staging", "prod")}
    granted = {
        name: [form.value_of("grant_id") for form in page.reading.forms if form.named("grant_id")]
        for name, page in pages.items()
    }
    assert {"dev": [linked["dev"].grant_id], "staging": [], "prod": [linked["prod"].grant_id]} == granted
    assert granted["prod"] == [
        form.value_of("grant_id") for form in person.signs_in().reading.forms if form.named("grant_id")
    ]


def test_an_environment_of_no_name_is_prods(person: Person) -> None:
    assert person.signs_in(environment="production").status == 200
    page = person.browser.open(f"{person.broker.issuer}/consents?environment=%00")
    assert page.status < 500


def test_whoever_is_signed_in_in_one_environment_withdraws_nothing_in_the_other(
    service: dict[str, Business], person: Person
) -> None:
    linked = {name: person.consents(shop) for name, shop in service.items()}
    page = person.signs_in(environment="dev")
    (form,) = [one for one in page.reading.forms if one.named("grant_id")]
    forged = [(name, linked["prod"].grant_id if name == "grant_id" else value) for name, value in form.filled()]
    assert 400 <= person.browser.post(form.action, forged).status < 500
    assert "permitted" == service["prod"].reason(linked["prod"].account.id, linked["prod"].email)


def test_an_objection_is_its_environments(service: dict[str, Business], new_person: Callable[..., Person]) -> None:
    for mine, other in (("dev", "prod"), ("prod", "dev")):
        person, email = new_person(), wire.fresh_email()
        for shop in service.values():
            assert 201 == shop.associate(person.account.id, email, tags.user_provided()).status_code
        person.objects(environment=mine)
        assert "no_basis" == service[mine].reason(person.account.id, email)
        assert "permitted" == service[other].reason(person.account.id, email)


def test_a_refused_origin_in_dev_is_not_remembered_in_prod(service: dict[str, Business]) -> None:
    account, email = wire.fresh_account(), wire.fresh_email()
    assert 422 == service["dev"].associate(account, email, tags.user_provided(origin="bought")).status_code
    assert 201 == service["prod"].associate(account, email, tags.user_provided()).status_code


@pytest.mark.parametrize(("mine", "other"), [("dev", "prod"), ("prod", "dev")])
def test_content_is_not_handed_over_to_a_recipient_of_another_environment(
    service: dict[str, Business], mine: str, other: str
) -> None:
    recipient = service[mine].recipient()
    answer = service[other].hand_over(recipient, 1)
    assert (409, True, ["APPLICATION-2"]) == (answer.status_code, wire.is_problem(answer), answer.json()["clauses"])
    assert 201 == service[mine].hand_over(recipient, 1).status_code
