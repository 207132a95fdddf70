"""Programs of others learn from a status list whether a consent stands, with the receipt and the published keys."""

import time

import pytest
from harness.business import Business
from harness.person import Person
from harness.running import RunningBroker
from harness.strangers import RefusedError, ask


def test_a_stranger_reads_from_the_list_what_has_become_of_a_consent(
    broker: RunningBroker, business: Business, person: Person
) -> None:
    stands, ended = person.consents(business), person.consents(business)
    person.withdraws(ended.grant_id)
    jwks = broker.get("/.well-known/jwks.json").json()
    time.sleep(2.1)  # a list that was made for somebody else a moment ago may be served for two seconds
    token = broker.get("/status/1").text
    answers = [
        ask("status_list.mjs", {"receipt": linked.receipt, "token": token, "jwks": jwks}) for linked in (stands, ended)
    ]
    assert [0, 1] == [answer["value"] for answer in answers]
    assert {f"{broker.issuer}/status/1"} == {answer["uri"] for answer in answers}
    head, payload, _ = token.split(".")
    with pytest.raises(RefusedError):
        ask("status_list.mjs", {"receipt": stands.receipt, "token": f"{head}.{payload}.{'A' * 86}", "jwks": jwks})
