"""An account that moves at the platform, while the broker runs: the operator asks, and every worker follows."""

import time

from harness.business import Business
from harness.evidence import payload_of
from harness.person import Linked, Person
from harness.running import RunningBroker, RunningSandbox

from broker.proof.status import Status, parse_status_list

#: What a holder of a receipt is promised of the list that everybody fetches.
PROMISED = 5.0


def values_of(broker: RunningBroker, linked: Linked) -> set[int]:
    """What the list says of a consent, whichever worker answers."""
    place = payload_of(linked.receipt)["status"]["status_list"]
    path, asks_for = place["uri"].removeprefix(broker.issuer), {"Accept": "application/statuslist+jwt"}
    answers = [broker.get(path, headers=asks_for) for _ in range(8)]
    return {parse_status_list(answer.text).value_of(place["idx"]) for answer in answers}


def in_time(broker: RunningBroker, linked: Linked, value: Status) -> bool:
    """Whether every worker says so within the time promised."""
    ends = time.monotonic() + PROMISED
    while values_of(broker, linked) != {value}:
        if time.monotonic() > ends:
            return False
        time.sleep(0.2)
    return True


def test_a_renamed_account_is_followed_by_its_id(
    broker: RunningBroker, business: Business, platform: RunningSandbox, linked: Linked
) -> None:
    new = f"moved{linked.account.id[-8:]}"
    platform.rename(linked.account, new)
    broker.command("recheck", "--platform", "x")
    assert "permitted" == business.reason(linked.account.id, linked.email)
    assert "permitted" == business.reason({"platform": "x", "handle": new}, linked.email)
    assert "no_basis" == business.reason({"platform": "x", "handle": linked.account.handle}, linked.email)


def test_a_vanished_account_sleeps_until_it_is_back(
    broker: RunningBroker, business: Business, other_business: Business, platform: RunningSandbox, linked: Linked
) -> None:
    platform.mark(linked.account, "active", on=False)
    broker.command("recheck", "--platform", "x")
    assert "suspended" == business.reason(linked.account.id, linked.email)
    assert "no_basis" == other_business.reason(linked.account.id, linked.email)
    assert in_time(broker, linked, Status.SUSPENDED)
    platform.mark(linked.account, "active")
    broker.command("recheck", "--platform", "x", "--compliance")  # which speaks of nobody: that says nothing
    assert "suspended" == business.reason(linked.account.id, linked.email)
    broker.command("recheck", "--platform", "x")
    assert "permitted" == business.reason(linked.account.id, linked.email)
    assert in_time(broker, linked, Status.VALID)


def test_who_is_gone_takes_it_back_by_the_link_all_the_same(
    broker: RunningBroker, business: Business, platform: RunningSandbox, person: Person, linked: Linked
) -> None:
    platform.mark(linked.account, "suspended")
    broker.command("recheck", "--platform", "x")
    link = payload_of(linked.receipt)["record"]["withdrawal"]["uri"]
    page = person.browser.open(link)
    assert 200 == person.browser.submit(page.form, button=("choice", "withdraw")).status
    assert "withdrawn" == business.reason(linked.account.id, linked.email)
    assert in_time(broker, linked, Status.INVALID)
