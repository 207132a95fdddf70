"""The status list of a running broker: a holder learns of a withdrawal in seconds, without naming it."""

import time

from harness.evidence import payload_of
from harness.person import Linked, Person
from harness.running import RunningBroker

from broker.proof.status import parse_status_list

#: What a holder is promised: within so many seconds of a withdrawal the list that is served says so.
PROMISED = 5.0


def value_of(broker: RunningBroker, receipt: str) -> int:
    """Fetch the list that a receipt names, as its holder does, and read its entry."""
    place = payload_of(receipt)["status"]["status_list"]
    answer = broker.get(place["uri"].removeprefix(broker.issuer), headers={"Accept": "application/statuslist+jwt"})
    assert (200, "application/statuslist+jwt") == (answer.status_code, answer.headers["Content-Type"])
    return parse_status_list(answer.text).value_of(place["idx"])


def test_a_withdrawal_shows_in_the_list_within_five_seconds(
    broker: RunningBroker, person: Person, linked: Linked
) -> None:
    assert 0 == value_of(broker, linked.receipt)
    person.withdraws(linked.grant_id)
    since = time.monotonic()
    # Every worker has a list of its own in hand; each of them must have made a new one by then.
    while {1} != {value_of(broker, linked.receipt) for _ in range(8)}:
        assert time.monotonic() - since < PROMISED
        time.sleep(0.2)


def test_the_list_is_found_without_any_receipt(broker: RunningBroker, linked: Linked) -> None:
    listed = broker.get("/status").json()["status_lists"]
    assert payload_of(linked.receipt)["status"]["status_list"]["uri"] in listed
