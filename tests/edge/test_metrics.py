"""One scrape tells what all workers and the companion have done, whichever of them answers it."""

import time

from harness.business import Business
from harness.person import Linked
from harness.running import RunningBroker
from prometheus_client.parser import text_string_to_metric_families as read_text

ASKED = 24
DUTIES = {"log", "deliveries", "expiry", "filing", "settling", "retention"}


def scrape(broker: RunningBroker) -> dict[tuple[str, ...], float]:
    """Read the figures, each by its name and the values of its labels."""
    answer = broker.get("/metrics")
    assert 200 == answer.status_code
    return {
        (sample.name, *(value for _label, value in sorted(sample.labels.items()))): sample.value
        for family in read_text(answer.text)
        for sample in family.samples
    }


def test_what_two_workers_answered_is_told_in_one_sum_by_either(
    broker: RunningBroker, business: Business, linked: Linked
) -> None:
    permits = ("broker_decisions_total", "match", "consent", "permit", "none")
    asked = ("broker_request_duration_seconds_count", "POST", "/v1/match", "200")
    before = scrape(broker)
    for _time in range(ASKED):
        assert business.match(linked.account.id, linked.email)["decision"]
    time.sleep(0.1)  # a worker hands on its numbers every 20 ms
    used = "broker_database_connections_in_use", "sqlite" if "sqlite" in broker.database_url else "postgresql"
    for after in [scrape(broker) for _time in range(6)]:
        assert [ASKED] * 2 == [after[key] - before.get(key, 0) for key in (permits, asked)]
        assert 0 <= after[used] < 64
        assert (1, 1, 0) == tuple(
            after[key] for key in (("broker_database_up",), ("broker_requests_in_flight", "people"),
                                   ("broker_requests_in_flight", "programs"))
        )  # fmt: skip


def test_the_companion_tells_when_each_duty_took_its_last_turn(broker: RunningBroker) -> None:
    def turns_taken() -> dict[str, float]:
        return {key[1]: at for key, at in scrape(broker).items() if key[0] == "broker_duty_turn_timestamp_seconds"}

    ends = time.monotonic() + 30
    while not (turns := turns_taken()).keys() >= DUTIES:  # it may have begun a moment ago
        assert time.monotonic() < ends, turns
        time.sleep(0.2)
    assert all(time.time() - at < 30 for at in turns.values())
