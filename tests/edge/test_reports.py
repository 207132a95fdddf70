"""Reports over HTTP: a client's own counts, never of few people, never of the platform."""

from datetime import UTC, datetime, timedelta

import pytest
from harness import tags, wire
from harness.business import Business
from harness.running import RunningBroker

pytestmark = pytest.mark.parametrize("broker", ["sqlite"], indirect=True, scope="session")

COHORT = 20


@pytest.fixture(scope="module")
def counted(broker: RunningBroker) -> Business:
    """Register a business that asked about enough people, and was denied all but for some."""
    shop = broker.business()
    for number in range(COHORT):
        shop.match(str(8_000_000_000 + number), wire.fresh_email(), tag=tags.user_provided())
        shop.match(str(8_000_000_000 + number), wire.fresh_email())
    shop.match("8100000000", wire.fresh_email(), "newsletter")
    return shop


def today(days: int = 0) -> str:
    """Return a day, so many from today."""
    return f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%d}"


def test_decisions_are_counted_by_ground_with_no_name_in_them(counted: Business) -> None:
    answer = counted.report("decisions")
    body = answer.json()
    assert {"kind", "by", "from", "to", "cohort", "counts"} == body.keys()
    assert (200, "decisions", "ground", COHORT) == (answer.status_code, body["kind"], body["by"], body["cohort"])
    counts = {line["name"]: line["count"] for line in body["counts"]}
    assert {"user_provided": COHORT, "no_basis": COHORT + 1} == counts
    assert "80000000" not in answer.text
    assert "@" not in answer.text


def test_few_people_are_put_with_others(counted: Business) -> None:
    counts = {line["name"]: line["count"] for line in counted.report("decisions", by="purpose").json()["counts"]}
    assert {"other": 2 * COHORT + 1} == counts


def test_a_week_is_a_line(counted: Business) -> None:
    (line,) = counted.report("decisions", by="week", from_=today(), to=today()).json()["counts"]
    year, week, _ = datetime.now(UTC).isocalendar()
    assert (f"{year}-W{week:02}", 2 * COHORT + 1) == (line["name"], line["count"])


def test_what_another_client_asked_is_not_counted(counted: Business, other_business: Business) -> None:
    before = counted.report("decisions").json()
    for _ in range(3):
        other_business.match("8200000000", wire.fresh_email())
    assert before == counted.report("decisions").json()


def test_too_few_people_are_no_report(broker: RunningBroker) -> None:
    shop = broker.business()
    for number in range(COHORT - 1):
        shop.match(str(8_300_000_000 + number), wire.fresh_email())
        shop.match(str(8_300_000_000 + number), wire.fresh_email())
    for kind in ("decisions", "consents"):
        answer = shop.report(kind)
        assert (422, True, ["SENSITIVE-2"]) == (answer.status_code, wire.is_problem(answer), answer.json()["clauses"])
    shop.match("8300009999", wire.fresh_email())
    assert 200 == shop.report("decisions").status_code


def test_a_time_without_anybody_is_no_report(counted: Business) -> None:
    answer = counted.report("decisions", from_="2020-01-01", to="2020-01-31")
    assert (422, ["SENSITIVE-2"]) == (answer.status_code, answer.json()["clauses"])


@pytest.mark.parametrize("what", ["users", "accounts", "posts", "engagement", "followers", "availability"])
def test_the_platform_is_not_measured(counted: Business, what: str) -> None:
    for answer in (counted.report(what), counted.report("decisions", by=what)):
        assert (422, True, ["MEASURE-1"]) == (answer.status_code, wire.is_problem(answer), answer.json()["clauses"])


@pytest.mark.parametrize(
    "query",
    [{"by": "client"}, {"by": "clause"}, {"by": "account"}, {"by": ""}, {"from_": "yesterday"}, {"to": "2026-13-01"},
     {"from_": "2026-11-02", "to": "2026-11-01"}, {"from_": "1900-01-01"}, {"limit": "1"}, {"to": "9999-12-31"},
     {"to": "0001-01-02"}, {"from_": "9999-12-20", "to": "9999-12-30", "by": "week"},
     {"to": "2026-11-01T00:00:00.5+99:00"}, {"to": "\x00"}, {"by": "ground\x00"}],
)  # fmt: skip
def test_a_report_of_another_kind_is_a_problem(counted: Business, query: dict[str, str]) -> None:
    answer = counted.report("decisions", **query)
    assert answer.status_code in {400, 422}, answer.text
    assert wire.is_problem(answer)


def test_a_question_that_stands_twice_is_a_problem(counted: Business) -> None:
    answer = counted.api("GET", "reports/decisions?by=ground&by=week", scope="report")
    assert (400, True) == (answer.status_code, wire.is_problem(answer))


@pytest.mark.parametrize("kind", ["people", "", "..", "decisions/", "%00", "a" * 3000])
def test_another_word_is_no_report(counted: Business, kind: str) -> None:
    assert 400 <= counted.report(kind).status_code < 500


def test_a_token_for_matches_is_no_token_for_reports(counted: Business) -> None:
    assert 403 == counted.api("GET", "reports/decisions", scope="match").status_code
