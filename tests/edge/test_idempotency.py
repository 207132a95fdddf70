"""Idempotency-Key: what is sent again is answered as before, and done once."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from harness import tags, wire
from harness.business import Business

RACERS = 16


def offered(**changes: object) -> dict[str, Any]:
    """Return the body of an offer about a pair of its own."""
    account = {"platform": "x", "id": wire.fresh_account()}
    identifier = {"kind": "person", "type": "email", "value": wire.fresh_email()}
    return {"account": account, "identifier": identifier, "provenance": tags.user_provided(**changes)}


def send(business: Business, body: object, key: str, path: str = "associations", scope: str = "match") -> Any:  # noqa: ANN401
    """POST a body under a key; text is sent as it stands."""
    raw = body if isinstance(body, str) else json.dumps(body)
    headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
    return business.api("POST", path, scope=scope, data=raw, headers=headers)


def same(answer: Any) -> tuple[int, str, bytes]:  # noqa: ANN401
    """Return what a repeat must have in common with the first: all but the name of the request, which is each one's."""
    own = f"urn:request:{answer.headers['X-Request-ID']}"
    assert answer.status_code < 400 or own == answer.json()["instance"]
    return answer.status_code, answer.headers["Content-Type"], answer.content.replace(own.encode(), b"its own")


@pytest.mark.parametrize(
    ("changes", "status"), [({}, 201), ({"origin": "bought"}, 422), ({"channel": None}, 422)],
    ids=["accepted", "refused for its origin", "refused for what it lacks"],
)  # fmt: skip
def test_a_repeat_is_answered_as_before_to_the_byte(
    business: Business, changes: dict[str, object], status: int
) -> None:
    body, key = offered(**changes), wire.fresh("key-")
    first, again, quoted = (send(business, body, written) for written in (key, key, f'"{key}"'))
    assert status == first.status_code
    assert same(first) == same(again) == same(quoted)


def test_a_repeat_of_what_was_given_up_since_makes_nothing_anew(business: Business) -> None:
    body, key = offered(), wire.fresh("key-")
    first = send(business, body, key)
    assert 204 == business.association(first.json()["id"], "DELETE").status_code
    assert same(first) == same(send(business, body, key))
    assert "no_basis" == business.reason(body["account"], body["identifier"])


def test_another_body_under_the_key_is_refused_and_does_nothing(business: Business) -> None:
    first, other, key = offered(), offered(), wire.fresh("key-")
    kept = send(business, first, key)
    answer = send(business, other, key)
    assert (422, True, None) == (answer.status_code, wire.is_problem(answer), answer.json().get("clauses"))
    assert "no_basis" == business.reason(other["account"], other["identifier"])
    assert 422 == send(business, json.dumps(first, indent=1), key).status_code
    assert same(kept) == same(send(business, first, key))


def test_another_endpoint_under_the_key_is_refused(business: Business) -> None:
    key, body = wire.fresh("key-"), json.dumps({"name": wire.fresh("Institute "), "agreements": {}})
    send(business, offered(), key)
    assert 422 == send(business, body, key, "recipients", "redistribute").status_code


def test_a_key_is_its_clients_own(business: Business, other_business: Business) -> None:
    key = wire.fresh("key-")
    mine, theirs = offered(), offered()
    answers = [send(business, mine, key), send(other_business, theirs, key)]
    assert [201, 201] == [answer.status_code for answer in answers]
    assert answers[0].json()["id"] != answers[1].json()["id"]
    assert same(answers[1]) == same(send(other_business, theirs, key))


def test_a_request_that_could_not_be_read_does_not_use_the_key_up(business: Business) -> None:
    key = wire.fresh("key-")
    assert 400 == send(business, "{", key).status_code
    assert 201 == send(business, offered(), key).status_code


@pytest.mark.parametrize("key", ["", "a b", "a" * 129, '"', "k\u00e9y", "a/b", "'; DROP TABLE", "{}"])
def test_a_key_of_another_form_is_a_problem(business: Business, key: str) -> None:
    answer = send(business, offered(), key.encode("latin-1"))  # type: ignore[arg-type] # bytes are sent as they stand
    assert (400, True) == (answer.status_code, wire.is_problem(answer))


def at_once(act: Callable[[int], Any]) -> list[Any]:
    """Do something many times at once."""
    with ThreadPoolExecutor(RACERS) as racers:
        return list(racers.map(act, range(RACERS)))


def test_racing_repeats_make_one_association(business: Business) -> None:
    body, key = offered(), wire.fresh("key-")
    business.client_token()
    answers = at_once(lambda _: send(business, body, key))
    assert {201} == {answer.status_code for answer in answers}
    assert 1 == len({answer.content for answer in answers})


def test_racing_offers_without_a_key_make_one_association_too(business: Business) -> None:
    body = offered()
    business.client_token()
    answers = at_once(lambda _: business.api("POST", "associations", scope="match", json=body))
    assert {201} == {answer.status_code for answer in answers}
    assert 1 == len({answer.json()["id"] for answer in answers})


def test_of_racing_bodies_under_one_key_one_is_done(business: Business) -> None:
    bodies, key = [offered() for _ in range(RACERS)], wire.fresh("key-")
    business.client_token()
    answers = at_once(lambda number: send(business, bodies[number], key))
    assert (1, RACERS - 1) == tuple([a.status_code for a in answers].count(status) for status in (201, 422))
    permitted = [body for body in bodies if business.reason(body["account"], body["identifier"]) == "permitted"]
    assert 1 == len(permitted)


def test_racing_handovers_under_one_key_count_once(business: Business) -> None:
    recipient, key = business.recipient(), wire.fresh("key-")
    body = {"recipient": recipient, "kind": "post_ids", "count": 1000}
    answers = at_once(lambda _: send(business, body, key, "redistributions", "redistribute"))
    assert 1 == len({answer.content for answer in answers})
    assert 1_500_000 - 1000 - 1 == business.hand_over(recipient, 1).json()["remaining"]


def test_a_recipient_sent_again_is_the_same(business: Business) -> None:
    key, body = wire.fresh("key-"), {"name": wire.fresh("Institute "), "agreements": {}}
    refused, again = (send(business, body, key, "recipients", "redistribute") for _ in range(2))
    assert (409, 409) == (refused.status_code, again.status_code)
    assert ["REDISTRIBUTE-5"] == refused.json()["clauses"] == again.json()["clauses"]
