"""Rechecking against the sandbox platform, over HTTP: whose turn it is, its limits, and what is not believed."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from acts_of_terms import offered
from builders import Clock, a_question, a_tag, asked, consented, proved
from harness.running import BEARER_TOKEN, Account, RunningSandbox
from lives import erased, with_marks
from raw_rows import all_rows

from broker.actions import recheck_accounts as recheck_accounts_module
from broker.actions.broker import Broker
from broker.actions.recheck_accounts import Orders, Rechecked, recheck_accounts, recheck_compliance
from broker.actions.withdraw_consent import withdraw_all
from broker.core.client import Client
from broker.core.identifiers import PlatformAccount, ProvenAccount
from broker.errors import CommandRefused, RecheckFailed
from broker.platforms import LookUp
from broker.platforms.client import Credentials
from broker.platforms.x import ADDRESSES, X
from broker.platforms.x_recheck import XRecheck
from broker.store.presences import checked_at, due_accounts

ALL = Orders(limit=1000)


@pytest.fixture
def clock() -> Clock:
    """Give a clock that is near the platform's: it names moments of its own."""
    return Clock(datetime.now(UTC))


@pytest.fixture
def x(platform: RunningSandbox) -> X:
    """Give the sandbox as the platforms file would name it."""
    addresses = {**ADDRESSES, "users_url": f"{platform.url}/2/users"}
    addresses["compliance_url"] = f"{platform.url}/2/compliance/jobs"
    known_by = Credentials(client_id="broker", client_secret="made-up")
    return X(credentials=known_by, addresses=addresses, bearer_token=BEARER_TOKEN, loopback=True)


@pytest.fixture
def shop(sqlite_broker: Broker, x: X) -> tuple[Broker, X]:
    """Give a broker whose platform is the sandbox."""
    return replace(sqlite_broker, platforms={"x": x}), x


@pytest.fixture
def broker(shop: tuple[Broker, X]) -> Broker:
    """Give that broker alone."""
    return shop[0]


def linked(broker: Broker, client: Client, account: Account, **changes: Any) -> ProvenAccount:  # noqa: ANN401 - of a request
    """Let somebody of the sandbox consent."""
    proven = ProvenAccount(account=PlatformAccount(platform="x", id=account.id), handle=account.handle)
    consented(broker, client, proven, **changes)
    return proven


class Smaller(X):
    """The same platform, for whom it takes two accounts to fill a question."""

    def recheck(self) -> XRecheck:
        """X, asked about two accounts at once."""
        return replace(super().recheck(), at_once=2, most=2)


def smaller(x: X) -> X:
    """Let a question about *x* hold two accounts."""
    return Smaller(**vars(x))


def rechecked(broker: Broker, x: X, orders: Orders = ALL) -> Rechecked:
    """Ask about everybody."""
    done = Rechecked()
    recheck_accounts(broker, x, orders, done)
    return done


def by_a_job(broker: Broker, x: X, orders: Orders = ALL, *, patience: int = 0) -> Rechecked:
    """Have a job ask about everybody, and look at it again so many times."""
    done, looks = Rechecked(), iter(range(patience))
    recheck_compliance(broker, x, orders, done, wait=lambda: next(looks, None) is not None)
    return done


def due(broker: Broker, limit: int = 1000) -> list[bytes]:
    """Whose turn it is, the next one first."""
    with broker.database.reading() as tx:
        return due_accounts(tx, platform="x", now=broker.now(), limit=limit)


def permitted(broker: Broker, client: Client, account: ProvenAccount) -> bool:
    """Whether the client may match."""
    return asked(broker, client, a_question(account)).decision.permitted


def test_what_happened_at_the_platform_is_found_out_by_id(
    broker: Broker, x: X, client: Client, platform: RunningSandbox
) -> None:
    stays, renames, leaves, falls, hides = accounts = [platform.stranger() for _ in range(5)]
    people = [linked(broker, client, account) for account in accounts]
    platform.rename(renames, f"new{renames.id}"[-15:])
    platform.mark(leaves, "active", on=False)
    platform.mark(falls, "suspended")
    platform.mark(hides, "protected")
    done = rechecked(broker, x)
    assert {"unchanged": 1, "renamed": 1, "gone": 2, "protected": 1} == done.counts
    assert [True, True, False, False, True] == [permitted(broker, client, person) for person in people]
    platform.mark(leaves, "active")
    platform.mark(falls, "suspended", on=False)
    assert {"unchanged": 3, "back": 2} == rechecked(broker, x).counts
    assert all(permitted(broker, client, person) for person in people)
    assert stays


def test_whom_nobody_can_match_is_not_asked_about(
    broker: Broker, x: X, client: Client, platform: RunningSandbox, clock: Clock
) -> None:
    withdrawn, expired, visitor, spoken_of, erased_one, live, ground = [platform.stranger() for _ in range(7)]
    went = linked(broker, client, withdrawn)
    linked(broker, client, expired, valid_for="P1D")
    clock.passes(days=2)
    with broker.database.transaction() as tx:
        withdraw_all(tx, broker, account=broker.blinder.account(went.account))
    proved(broker, replace(went, account=replace(went.account, id=visitor.id), handle=visitor.handle), None)
    offered(broker, client, a_tag(), account_id=spoken_of.id)
    linked(broker, client, live)
    by_handle = {"account_id": None, "handle": ground.handle}
    proved(broker, replace(went, account=replace(went.account, id=ground.id), handle=ground.handle), None)
    offered(broker, client, a_tag(), **by_handle)
    assert 2 == len(due(broker)) == rechecked(broker, x).asked
    assert erased_one


def test_those_never_asked_about_come_first_then_those_asked_longest_ago(
    broker: Broker, x: X, client: Client, platform: RunningSandbox, clock: Clock
) -> None:
    def key(account: Account) -> bytes:
        return broker.blinder.account(PlatformAccount(platform="x", id=account.id))

    first, second, third = [platform.stranger() for _ in range(3)]
    linked(broker, client, first)
    rechecked(broker, x)
    clock.passes(hours=1)
    linked(broker, client, second)
    assert 1 == rechecked(broker, x, Orders(limit=1)).asked
    clock.passes(hours=1)
    linked(broker, client, third)
    assert [key(third), key(first), key(second)] == due(broker)
    with broker.database.reading() as tx:
        assert clock.now - timedelta(hours=1) == checked_at(tx, key(second))


def test_a_dry_run_says_what_would_change_and_changes_nothing(
    broker: Broker, x: X, client: Client, platform: RunningSandbox
) -> None:
    account = platform.stranger()
    person = linked(broker, client, account)
    platform.mark(account, "active", on=False)
    with broker.database.transaction() as tx:
        before = all_rows(tx)
    assert {"gone": 1} == rechecked(broker, x, replace(ALL, dry_run=True)).counts
    with broker.database.transaction() as tx:
        assert before == all_rows(tx)
    assert permitted(broker, client, person)


# --- the platform's limits -----------------------------------------------------------------------------------


def test_at_the_limit_it_stops_says_when_to_go_on_and_the_next_run_goes_on_there(
    broker: Broker, x: X, client: Client, platform: RunningSandbox, clock: Clock
) -> None:
    for _ in range(5):
        linked(broker, client, platform.stranger())
    everybody = due(broker)
    platform.rehearse(users_limit=2)
    done = rechecked(broker, smaller(x))
    assert (4, 1) == (done.asked, done.left)
    assert done.resume_at is not None
    assert timedelta(0) < done.resume_at - clock.now <= timedelta(minutes=15, seconds=5)
    assert everybody[4:] == due(broker, 1)
    refused = rechecked(broker, smaller(x))
    assert (0, 5, True, {}) == (refused.asked, refused.left, refused.resume_at is not None, refused.counts)
    assert everybody[4:] == due(broker, 1)
    platform.rehearse()
    clock.passes(minutes=15)
    done = rechecked(broker, smaller(x))
    assert (5, 0, None) == (done.asked, done.left, done.resume_at)


def test_a_limit_that_is_reached_with_the_last_question_stops_nobody(
    broker: Broker, x: X, client: Client, platform: RunningSandbox
) -> None:
    linked(broker, client, platform.stranger())
    platform.rehearse(users_limit=1)
    done = rechecked(broker, x)
    assert (1, 0, None) == (done.asked, done.left, done.resume_at)


# --- what is not believed --------------------------------------------------------------------------------------


def there(account: Account, **changes: object) -> dict[str, object]:
    """An account as the users endpoint shows it."""
    return {"id": account.id, "name": "N", "username": account.handle, "protected": False, **changes}


def problem(account: Account, kind: str = "resource-not-found", **changes: object) -> dict[str, object]:
    """A problem of one account, as the users endpoint states it."""
    named = {"value": account.id, "resource_id": account.id, "type": f"https://api.twitter.com/2/problems/{kind}"}
    return {**named, "title": "Not Found Error", "detail": "<script>", "parameter": "ids", **changes}


Body = Callable[[Account, Account], object]
SECRET = "what-the-platform-said"
NOT_BELIEVED: dict[str, Body] = {
    "an error": lambda _a, _b: [500, SECRET],
    "a page": lambda _a, _b: [200, f"<html>{SECRET}</html>"],
    "nothing": lambda _a, _b: [200, ""],
    "a redirect": lambda _a, _b: [302, SECRET],
    "a list": lambda a, _b: [200, json.dumps([there(a)])],
    "data that is no list": lambda a, _b: [200, json.dumps({"data": there(a)})],
    "data that holds text": lambda _a, _b: [200, json.dumps({"data": [SECRET]})],
    "an id as a number": lambda a, _b: [200, json.dumps({"data": [there(a, id=int(a.id))]})],
    "an id that was not asked about": lambda _a, b: [200, json.dumps({"data": [there(b)]})],
    "an account twice": lambda a, _b: [200, json.dumps({"data": [there(a), there(a)]})],
    "there and gone at once": lambda a, _b: [200, json.dumps({"data": [there(a)], "errors": [problem(a)]})],
    "somebody else gone": lambda _a, b: [200, json.dumps({"errors": [problem(b)]})],
    "gone under two ids": lambda a, b: [200, json.dumps({"errors": [problem(a, value=b.id)]})],
    "a post of theirs gone": lambda a, _b: [200, json.dumps({"errors": [problem(a, resource_type="tweet")]})],
    "no handle": lambda a, _b: [200, json.dumps({"data": [{"id": a.id}]})],
    "a handle out of its grammar": lambda a, _b: [200, json.dumps({"data": [there(a, username="<b>x</b>")]})],
    "a handle too long": lambda a, _b: [200, json.dumps({"data": [there(a, username="x" * 16)]})],
    "protection in a word": lambda a, _b: [200, json.dumps({"data": [there(a, protected="yes")]})],
    "members twice": lambda a, _b: [200, json.dumps({"data": [there(a)]}).replace('"data"', '"data": [], "data"', 1)],
    "a member that speaks": lambda _a, _b: [200, f'{{"{SECRET}": 1, "{SECRET}": 2}}'],
    "too much": lambda a, _b: [200, json.dumps({"data": [there(a, description="x" * 300_000)]})],
}


@pytest.mark.parametrize("body", NOT_BELIEVED.values(), ids=NOT_BELIEVED.keys())
def test_an_answer_that_cannot_be_believed_changes_nothing_and_is_shown_to_nobody(
    broker: Broker, x: X, client: Client, platform: RunningSandbox, body: Body
) -> None:
    account = platform.stranger()
    person = linked(broker, client, account)
    platform.rehearse(users=body(account, platform.stranger()))
    with broker.database.transaction() as tx:
        before = all_rows(tx)
    with pytest.raises(RecheckFailed) as failed:
        rechecked(broker, x)
    with broker.database.transaction() as tx:
        assert before == all_rows(tx)
    assert permitted(broker, client, person)
    assert not {SECRET, "script", "html"} & set(re.findall(r"[\w-]+", failed.value.detail))


def test_an_answer_that_gives_one_handle_to_two_accounts_is_not_believed(
    broker: Broker, x: X, client: Client, platform: RunningSandbox
) -> None:
    one, other = platform.stranger(), platform.stranger()
    people = [linked(broker, client, account) for account in (one, other)]
    answer = {"data": [there(one), there(other, username=one.handle.upper())]}
    platform.rehearse(users=[200, json.dumps(answer)])
    with pytest.raises(RecheckFailed):
        rechecked(broker, x)
    assert all(permitted(broker, client, person) for person in people)


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_is_not_accepted_is_named(
    broker: Broker, x: X, client: Client, platform: RunningSandbox, status: int
) -> None:
    linked(broker, client, platform.stranger())
    platform.rehearse(users=status)
    with pytest.raises(RecheckFailed, match=rf"X does not .* \(status {status}\)"):
        rechecked(broker, x)


def test_the_wrong_token_is_refused_by_the_sandbox_itself(
    broker: Broker, x: X, client: Client, platform: RunningSandbox
) -> None:
    linked(broker, client, platform.stranger())
    with pytest.raises(RecheckFailed, match="does not accept the bearer_token") as failed:
        rechecked(broker, replace(x, bearer_token="the wrong one"))
    assert "wrong one" not in failed.value.detail + repr(x)


def test_a_platform_that_is_down_changes_nothing(
    broker: Broker, x: X, client: Client, platform: RunningSandbox
) -> None:
    person = linked(broker, client, platform.stranger())
    down = replace(x, addresses={**x.addresses, "users_url": "http://127.0.0.1:9/2/users"})
    with pytest.raises(RecheckFailed, match="ConnectionError"):
        rechecked(broker, down)
    assert permitted(broker, client, person)


UNANSWERED: dict[str, Callable[[Account], object]] = {
    "no word on the account": lambda _: {"data": []},
    "a problem of another kind": lambda a: {"errors": [problem(a, "not-authorized-for-resource")]},
    "a problem that only looks alike": lambda a: {
        "errors": [problem(a, type="https://api.twitter.com.example/2/problems/resource-not-found")]
    },
}


@pytest.mark.parametrize("body", UNANSWERED.values(), ids=UNANSWERED.keys())
def test_of_whom_the_platform_says_nothing_nothing_is_believed(
    broker: Broker, x: X, client: Client, platform: RunningSandbox, body: Callable[[Account], object]
) -> None:
    account = platform.stranger()
    person = linked(broker, client, account)
    platform.rehearse(users=[200, json.dumps(body(account))])
    assert {"unanswered": 1} == rechecked(broker, x).counts
    assert permitted(broker, client, person)


@pytest.mark.parametrize("changes", [{}, {"type": "https://api.x.com/2/problems/resource-not-found"}])
def test_x_says_gone_under_either_of_its_names(
    broker: Broker, x: X, client: Client, platform: RunningSandbox, changes: dict[str, object]
) -> None:
    account = platform.stranger()
    linked(broker, client, account)
    older = {name: it for name, it in problem(account, **changes).items() if name != "resource_id"}
    platform.rehearse(users=[200, json.dumps({"errors": [older]})])
    assert {"gone": 1} == rechecked(broker, x).counts


def test_that_many_are_gone_at_once_is_believed_only_when_the_operator_says_so(
    broker: Broker, x: X, client: Client, platform: RunningSandbox
) -> None:
    accounts = [platform.stranger() for _ in range(12)]
    people = [linked(broker, client, account) for account in accounts]
    for account in accounts[:11]:
        platform.mark(account, "active", on=False)
    with pytest.raises(CommandRefused, match="11 of 12 accounts would be gone at once"):
        rechecked(broker, x)
    assert all(permitted(broker, client, person) for person in people)
    platform.mark(accounts[0], "active")
    assert {"gone": 10, "unchanged": 2} == rechecked(broker, x).counts
    platform.mark(accounts[0], "active", on=False)
    platform.mark(accounts[11], "active", on=False)
    assert {"gone": 2, "unchanged": 10} == rechecked(broker, x, replace(ALL, many=True)).counts


def test_that_some_are_gone_in_every_answer_is_not_believed_of_a_whole_run(
    broker: Broker, x: X, client: Client, platform: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recheck_accounts_module, "_MANY_OF_RUN", 3)
    accounts = [platform.stranger() for _ in range(6)]
    people = [linked(broker, client, account) for account in accounts]
    for account in accounts:
        platform.mark(account, "active", on=False)
    done = Rechecked()
    with pytest.raises(CommandRefused, match="4 of 4 accounts would be gone"):
        recheck_accounts(broker, smaller(x), ALL, done)
    assert ({"gone": 2}, 2) == (done.counts, done.asked)
    assert 4 == sum(permitted(broker, client, person) for person in people)
    assert {"gone": 4, "unchanged": 2} == rechecked(broker, smaller(x), replace(ALL, many=True)).counts


# --- what happens meanwhile --------------------------------------------------------------------------------------


class Meanwhile(Smaller):
    """A platform whose answer is on its way while something happens."""

    def __init__(self, x: X, happens: Callable[[], object]) -> None:
        super().__init__(**vars(x))
        object.__setattr__(self, "happens", happens)

    def recheck(self) -> XRecheck:
        """X, and between its answer and whoever asked, something happens."""
        return Slow(**vars(super().recheck()), happens=self.happens)  # type: ignore[attr-defined] # set above


@dataclass(frozen=True, kw_only=True)
class Slow(XRecheck):
    """X's own word, a little late."""

    happens: Callable[[], object]

    def look_up(self, ids: Sequence[str], *, now: datetime) -> LookUp:
        """Ask, then let it happen."""
        answer = super().look_up(ids, now=now)
        self.happens()
        return answer


def test_who_signs_in_meanwhile_is_believed_and_not_the_older_answer(
    broker: Broker, x: X, client: Client, platform: RunningSandbox, clock: Clock
) -> None:
    account = platform.stranger()
    person = linked(broker, client, account)
    platform.mark(account, "active", on=False)

    def signs_in() -> None:
        clock.passes(seconds=1)
        proved(broker, replace(person, handle="back_already"), None)

    done = Rechecked()
    recheck_accounts(broker, Meanwhile(x, signs_in), ALL, done)
    assert {"overtaken": 1} == done.counts
    assert permitted(broker, client, person)


def test_who_is_erased_meanwhile_stays_erased(
    broker: Broker, x: X, client: Client, platform: RunningSandbox, tmp_path: Path
) -> None:
    broker = with_marks(broker, tmp_path)
    account = platform.stranger()
    person = linked(broker, client, account)
    platform.mark(account, "protected")
    done = Rechecked()
    recheck_accounts(broker, Meanwhile(x, lambda: erased(broker, person)), ALL, done)
    assert {"overtaken": 1} == done.counts
    with broker.database.transaction() as tx:
        assert [] == [*all_rows(tx)["presences"], *all_rows(tx)["rechecks"]]


# --- by a job of compliance --------------------------------------------------------------------------------------


def test_a_job_says_who_is_gone_or_protected_and_no_handle(
    broker: Broker, x: X, client: Client, platform: RunningSandbox
) -> None:
    stays, renames, leaves, hides, both = accounts = [platform.stranger() for _ in range(5)]
    people = [linked(broker, client, account) for account in accounts]
    platform.rename(renames, f"new{renames.id}"[-15:])
    for mark, account, on in (("active", leaves, False), ("protected", hides, True), ("protected", both, True)):
        platform.mark(account, mark, on=on)
    platform.mark(both, "suspended")
    before = due(broker)
    assert {"unchanged": 2, "gone": 2, "protected": 1} == by_a_job(broker, x).counts
    assert [True, True, False, True, False] == [permitted(broker, client, person) for person in people]
    assert before == due(broker)
    for account in (leaves, both):
        platform.mark(account, "active")
        platform.mark(account, "suspended", on=False)
    platform.mark(hides, "protected", on=False)
    platform.rehearse(results=[200, ""])  # nobody is in them, as if the list of ids was lost on its way
    assert {"unchanged": 5} == by_a_job(broker, x).counts
    assert {"unchanged": 1, "renamed": 1, "back": 2, "protected": 1, "unprotected": 1} == rechecked(broker, x).counts
    assert all(permitted(broker, client, person) for person in people)
    assert stays


def test_a_job_takes_its_time_and_nobody_waits_for_it_for_ever(
    broker: Broker, x: X, client: Client, platform: RunningSandbox
) -> None:
    account = platform.stranger()
    person = linked(broker, client, account)
    platform.mark(account, "active", on=False)
    platform.rehearse(job_looks=3)
    done = by_a_job(broker, x, patience=2)
    assert (True, 1, {}) == (done.unready, done.left, done.counts)
    assert permitted(broker, client, person)
    done = by_a_job(broker, x, patience=3)
    assert (False, 0, {"gone": 1}) == (done.unready, done.left, done.counts)


def test_many_accounts_are_several_jobs(broker: Broker, x: X, client: Client, platform: RunningSandbox) -> None:
    for _ in range(5):
        linked(broker, client, platform.stranger())
    done = by_a_job(broker, smaller(x))
    assert (5, 0, {"unchanged": 5}) == (done.asked, done.left, done.counts)


def test_ids_go_to_no_host_that_the_platforms_file_does_not_name(
    broker: Broker, x: X, client: Client, platform: RunningSandbox
) -> None:
    linked(broker, client, platform.stranger())
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        stranger.settimeout(0.2)
        elsewhere = f"http://127.0.0.1:{stranger.getsockname()[1]}"
        platform.rehearse(jobs=a_job(upload_url=f"{elsewhere}/u"))
        with pytest.raises(RecheckFailed, match="ValueError"):
            by_a_job(broker, x)
        with pytest.raises(TimeoutError):
            stranger.accept()
    named = replace(x, addresses={**x.addresses, "storage_url": elsewhere})
    with pytest.raises(RecheckFailed, match="ConnectionError"):
        by_a_job(broker, named)


def a_job(**changes: object) -> list[object]:
    """A job as the platform might describe it."""
    fine = {"id": "1372966999991541762", "type": "users", "status": "created", "upload_url": "http://127.0.0.1:9/u"}
    return [200, json.dumps({"data": {**fine, "download_url": "http://127.0.0.1:9/d", **changes}})]


FAULTS: dict[str, dict[str, object]] = {
    "no job": {"jobs": 500},
    "too many jobs": {"jobs_limit": 0},
    "no id": {"jobs": a_job(id="../../2/users")},
    "an upload in clear": {"jobs": a_job(upload_url="http://storage.example/u")},
    "an upload to a file": {"jobs": a_job(upload_url="file:///etc/passwd")},
    "an upload that is refused": {"upload": 403},
    "a job that failed": {"job": a_job(status="failed")},
    "a job that expired": {"job": a_job(status="expired")},
    "a job in an unheard-of state": {"job": a_job(status="nearly")},
    "no results": {"results": [404, SECRET]},
    "results that are no JSON": {"results": [200, SECRET]},
    "results of somebody else": {"results": [200, json.dumps({"id": "1", "reason": "deleted"})]},
    "results without a reason": {"results": [200, json.dumps({"id": "1"})]},
    "results without an end": {"results": [200, "x" * 300_000]},
}


@pytest.mark.parametrize("faults", FAULTS.values(), ids=FAULTS.keys())
def test_a_job_that_goes_wrong_changes_nothing(
    broker: Broker, x: X, client: Client, platform: RunningSandbox, faults: dict[str, object]
) -> None:
    account = platform.stranger()
    person = linked(broker, client, account)
    platform.mark(account, "active", on=False)
    platform.rehearse(**faults)
    with pytest.raises(RecheckFailed) as failed:
        by_a_job(broker, x)
    assert permitted(broker, client, person)
    assert SECRET not in failed.value.detail


def test_ids_go_to_no_address_that_an_address_here_may_not_be(
    broker: Broker, x: X, client: Client, platform: RunningSandbox
) -> None:
    linked(broker, client, platform.stranger())
    with pytest.raises(RecheckFailed, match="MalformedRequest"):
        by_a_job(broker, replace(x, loopback=False))
    assert 1 == by_a_job(broker, x).asked


def test_what_is_no_reason_to_forget_an_account_changes_nothing(
    broker: Broker, x: X, client: Client, platform: RunningSandbox
) -> None:
    account = platform.stranger()
    person = linked(broker, client, account)
    line = {"id": account.id, "action": "delete", "reason": "scrub_geo"}
    platform.rehearse(results=[200, f"{json.dumps(line)}\r\n\r\n"])
    assert {"unchanged": 1} == by_a_job(broker, x).counts
    assert permitted(broker, client, person)
