"""Ending a token (RFC 7009): a client ends its own, and the consent behind it stands."""

from collections.abc import Callable

import pytest
from harness import wire
from harness.business import ASSERTION_TYPE, Business
from harness.person import Linked, Person
from harness.running import RunningBroker


def grant_status(business: Business, token: str, grant_id: str) -> int:
    """Return the status with which a token is answered."""
    return wire.get(f"{business.issuer}/v1/grants/{grant_id}", headers=wire.bearer(token)).status_code


def own_token(business: Business) -> str:
    """Return a fresh token of the client's own."""
    answer = business.token_request(grant_type="client_credentials", scope="consent")
    token: str = answer.json()["access_token"]
    return token


def test_a_revoked_token_is_dead_and_the_consent_stands(business: Business, linked: Linked) -> None:
    token = linked.token["access_token"]
    assert grant_status(business, token, linked.grant_id) != 401
    assert 200 == business.revoke(token).status_code
    assert 401 == grant_status(business, token, linked.grant_id)
    assert business.match(linked.account.id, linked.email)["decision"] is True


def test_a_revoked_token_of_the_clients_own_is_dead_and_another_lives(business: Business, linked: Linked) -> None:
    ended, kept = own_token(business), own_token(business)
    assert (200, 200) == (
        grant_status(business, ended, linked.grant_id),
        grant_status(business, kept, linked.grant_id),
    )
    assert 200 == business.revoke(ended).status_code
    assert (401, 200) == (
        grant_status(business, ended, linked.grant_id),
        grant_status(business, kept, linked.grant_id),
    )


def test_revoking_twice_is_calm(business: Business) -> None:
    token = own_token(business)
    assert [200, 200] == [business.revoke(token).status_code for _ in range(2)]


@pytest.mark.parametrize("token", ["made-up", "a.b.c", "e30.e30.e30", "x" * 9_000])
def test_a_token_that_nobody_knows_is_no_error(business: Business, token: str) -> None:
    assert 200 == business.revoke(token).status_code


@pytest.mark.parametrize("token", ["\x00", "\u00e9"], ids=["NUL", "no ASCII"])
def test_a_token_of_letters_that_no_token_has_is_refused_in_words(business: Business, token: str) -> None:
    assert (400, "invalid_request") == wire.error_of(business.revoke(token))


def test_the_hint_is_only_a_hint(business: Business, linked: Linked) -> None:
    token = linked.token["access_token"]
    assert 200 == business.revoke(token, token_type_hint="refresh_token").status_code
    assert 401 == grant_status(business, token, linked.grant_id)


def test_another_clients_token_lives_on(business: Business, other_business: Business, linked: Linked) -> None:
    token = own_token(business)
    assert other_business.revoke(token).status_code in {200, 400}
    assert 200 == grant_status(business, token, linked.grant_id)


def test_nobody_revokes_without_saying_who_they_are(broker: RunningBroker, business: Business, linked: Linked) -> None:
    token = own_token(business)
    answer = broker.post("/oauth/revoke", data={"token": token, "client_id": business.client_id})
    assert (401, "invalid_client") == wire.error_of(answer)
    assert 200 == grant_status(business, token, linked.grant_id)


def test_a_token_must_be_named(broker: RunningBroker, business: Business) -> None:
    answer = broker.post("/oauth/revoke", data=business.authentication())
    assert (400, "invalid_request") == wire.error_of(answer)


def test_a_token_named_twice_is_refused(broker: RunningBroker, business: Business) -> None:
    pairs = [("token", "a"), ("token", "b"), ("client_assertion_type", ASSERTION_TYPE),
             ("client_assertion", business.assertion())]  # fmt: skip
    assert (400, "invalid_request") == wire.error_of(broker.post("/oauth/revoke", data=pairs))


def test_revoking_one_persons_token_leaves_anothers(business: Business, new_person: Callable[..., Person]) -> None:
    one, two = new_person().consents(business), new_person().consents(business)
    business.revoke(one.token["access_token"])
    assert grant_status(business, two.token["access_token"], two.grant_id) != 401
