"""What an operator's Prometheus reads: true figures, nobody's name, for nobody else, and whatever else is broken."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from acts_of_terms import objected, offered
from builders import Clock, a_tag, an_account, consented, registered
from flask.testing import FlaskClient
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text
from sqlalchemy import event

from broker.actions.broker import Broker
from broker.actions.keep_log import keep_log
from broker.app import create_app
from broker.store.database import Database
from broker.store.measures import measure
from broker.store.taping import Recorder
from broker.web import metrics
from broker.web.measured_words import HELP
from broker.web.metrics import Watch

ROOT = Path(__file__).parents[2]
TOKEN = "operators-token-of-the-tests-" + "x" * 8
JANE = {"kind": "person", "type": "email", "value": "jane.canary@mailbox.example"}
#: What the library adds to the name of a family.
SUFFIXES = re.compile(r"_(total|bucket|count|sum|created)$")
Figures = dict[tuple[str, tuple[tuple[str, str], ...]], float]


COUNTED_OF_A_MATCH = ("decisions_total", "decision_clauses_total", "request_duration_seconds_count")


def a_scraper(broker: Broker, **watch: Any) -> FlaskClient:  # noqa: ANN401 - what Watch takes
    """Whoever bears the operator's token."""
    http = create_app(broker, watch=Watch(**{"token": TOKEN, **watch})).test_client()
    http.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {TOKEN}"
    return http


def figures(http: FlaskClient) -> Figures:
    """What a scrape tells."""
    answer = http.get("/metrics")
    assert (200, "no-store") == (answer.status_code, answer.headers["Cache-Control"])
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in read_text(answer.text)
        for sample in family.samples
    }


def one(found: Figures, name: str, **labels: str) -> float:
    """One figure; what was never counted is 0."""
    return found.get((name, tuple(sorted(labels.items()))), 0.0)


def since(before: Figures, after: Figures, name: str) -> dict[str, float]:
    """What was counted meanwhile under a name, by all of its labels."""
    return {
        " ".join(value for _label, value in labels): value - before.get((key, labels), 0.0)
        for (key, labels), value in after.items()
        if key == name and value != before.get((key, labels), 0.0)
    }


def test_decisions_are_told_by_ground_reason_and_clause_and_a_batch_as_many(
    broker: Broker, bearer: Callable[..., dict[str, str]]
) -> None:
    client, http = registered(broker), a_scraper(broker)
    consented(broker, client, None, "customer-care")
    headers = bearer(client, "match")
    asked = {"account": {"platform": "x", "id": "2244994945"}, "identifier": JANE, "purpose": "customer-care"}
    before = figures(http)
    for purpose in ("customer-care", "customer-care", "newsletter"):
        http.post("/v1/match", json={**asked, "purpose": purpose}, headers=headers)
    items = [asked] * 5 + [{**asked, "purpose": "newsletter"}, 7]
    http.post("/v1/match/batch", json={"items": items}, headers=headers)
    lines = {**headers, "Content-Type": "application/x-ndjson"}
    http.post("/v1/match/batch", data=b"\n".join([json.dumps(asked).encode()] * 3), headers=lines).get_data()
    after = figures(http)
    assert {"match consent permit none": 10, "match none deny purpose_not_granted": 2} == since(
        before, after, "broker_decisions_total"
    )
    clauses = since(before, after, "broker_decision_clauses_total")
    assert {10} == {value for key, value in clauses.items() if key.endswith("permit")}
    assert {2} == {value for key, value in clauses.items() if key.endswith("deny")}
    assert {"batch": 7, "lines": 3} == since(before, after, "broker_batch_items_sum")
    requests = since(before, after, "broker_request_duration_seconds_count")
    assert {"POST /v1/match 200": 3, "POST /v1/match/batch 200": 2}.items() <= requests.items()
    assert 1 == one(after, "broker_requests_in_flight", whose="people")  # the scrape itself
    assert 0 == one(after, "broker_requests_in_flight", whose="programs")


def test_the_short_way_is_counted_as_the_view_is(
    broker: Broker, bearer: Callable[..., dict[str, str]], tmp_path: Path
) -> None:
    client, names = registered(broker), map(str, count())
    consented(broker, client, None, "customer-care")
    recorder = Recorder(tmp_path / "tapes", instance="a", new_id=lambda: f"{next(names):a>26}")
    ways = [a_scraper(replace(broker, recorder=one)) for one in (recorder, None)]
    found = []
    for http in ways:
        headers, before = bearer(client, "match"), figures(http)
        for purpose in ("customer-care", "customer-care", "newsletter"):
            asked = {"account": {"platform": "x", "id": "2244994945"}, "identifier": JANE, "purpose": purpose}
            assert 200 == http.post("/v1/match", json=asked, headers=headers).status_code
        after = figures(http)
        found.append([since(before, after, f"broker_{name}") for name in COUNTED_OF_A_MATCH])
    assert found[0] == found[1]
    assert [2, 1] == list(found[0][0].values())
    taped = figures(ways[0])
    assert (1, 0) == (taped["broker_tapes_waiting", ()], round(taped["broker_tape_lag_seconds", ()]))
    recorder.let_go()


def test_the_figures_of_the_log_and_of_events_are_those_of_the_rows(broker: Broker, clock: Clock) -> None:
    http, client = a_scraper(broker), registered(broker)
    consented(broker, client, None, "customer-care")
    clock.now += timedelta(seconds=40)
    waits = figures(http)
    assert 40 == one(waits, "broker_log_lag_seconds") == one(waits, "broker_trail_lag_seconds")
    assert one(waits, "broker_log_leaves_waiting") >= 1 <= one(waits, "broker_trail_entries_waiting")
    assert (1, 0) == tuple(one(waits, "broker_deliveries", state=state) for state in ("waiting", "given_up"))
    assert 0 == one(waits, "broker_delivery_lag_seconds")  # it has no stream that could be pushed to
    keep_log(broker)
    clock.now += timedelta(seconds=5)
    kept = figures(http)
    assert [0, 0, 0, 5] == [
        one(kept, f"broker_{name}")
        for name in ("log_lag_seconds", "trail_lag_seconds", "log_leaves_waiting", "log_checkpoint_age_seconds")
    ]
    assert one(kept, "broker_log_leaves") == one(kept, "broker_log_leaves_published") > 0
    assert one(kept, "broker_database_journal_bytes") > 0


def test_no_figure_is_looked_up_by_walking_over_a_table(broker: Broker, clock: Clock) -> None:
    plans: list[str] = []

    def explain(_connection: object, cursor: Any, statement: str, values: Any, *_rest: object) -> None:  # noqa: ANN401
        if statement.startswith("SELECT"):
            asked = cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)
            plans.extend(row[3] for row in asked.fetchall())

    event.listen(broker.database.engine, "before_cursor_execute", explain)
    try:
        with broker.database.reading() as tx:
            assert HELP.keys() >= {name for name, _value, _labels in measure(tx, now=clock())}
    finally:
        event.remove(broker.database.engine, "before_cursor_execute", explain)
    assert len(plans) > 10
    small = r"SCAN (streams|checkpoints|\(subquery-\d+\)|anon_\d+)\b"
    assert [] == [it for it in plans if it.startswith("SCAN") and "INDEX" not in it and not re.match(small, it)]


FREE = {"purpose": "sell Jane Canary's secret illness", "id": "77001", "handle": "jane_the_canary"}


@pytest.fixture
def canaries(broker: Broker, bearer: Callable[..., dict[str, str]], tmp_path: Path) -> tuple[FlaskClient, list[str]]:
    """Walk past every face that is told a name, a token or free text; give the scraper, and what it must not learn."""
    recorder = Recorder(tmp_path / "tapes", instance="a", new_id=broker.new_id)
    http = a_scraper(replace(broker, recorder=recorder))
    client = registered(broker, client_name="Canary Bikes", use_case="Canary uses it.")
    consented(broker, client, None, "customer-care")
    offered(broker, client, a_tag(), account_id="77")
    objected(broker, an_account("88", "Objector"))
    headers = {**bearer(client, "match"), "X-Request-ID": "request-of-jane", "traceparent": "jane", "Referer": "jane.x"}
    pairs = [
        {"account": account, "identifier": JANE, "purpose": purpose}
        for account in ({"platform": "x", "id": FREE["id"]}, {"platform": "x", "handle": FREE["handle"]})
        for purpose in ("customer-care", FREE["purpose"])
    ]
    for pair in pairs:
        http.post("/v1/match", json=pair, headers=headers)
    http.post("/v1/match/batch", json={"items": pairs}, headers=headers)
    http.get("/v1/grants/grant-of-jane", headers=headers)
    http.get(f"/consents/{'capability-of-jane' + 'a' * 25}?q=jane")
    http.get("/jane.canary@mailbox.example")
    http.open("/v1/match", method="JANE")
    http.post("/oauth/token", data={"client_id": client.client_id, "grant_type": "jane-grant"})
    digests = [broker.blinder.account(an_account(FREE["id"]).account, environment="prod").hex()]
    token = headers["Authorization"].removeprefix("Bearer ")
    return http, [
        *FREE.values(), "jane", "Jane", "Canary", "canary", "2244994945", "Objector", JANE["value"], client.client_id,
        token, token[-20:], TOKEN, *digests,
    ]  # fmt: skip


def test_no_label_tells_who_what_or_with_which_words(canaries: tuple[FlaskClient, list[str]]) -> None:
    http, names = canaries
    # What stands before each figure: a figure may have any digits.
    text = "\n".join(line.rpartition(" ")[0] for line in http.get("/metrics").text.splitlines())
    assert "/v1/grants/<" in text  # the pattern, and nothing of the path
    assert [] == [name for name in names if name in text]


def test_every_label_is_one_that_holds_few_words(canaries: tuple[FlaskClient, list[str]]) -> None:
    labels = {label for _name, found in figures(canaries[0]) for label, _value in found}
    assert labels <= {
        *("act", "outcome", "ground", "reason", "clause", "route", "method", "status", "le", "way", "whose", "want"),
        *("kind", "database", "duty", "state", "version", "python", "id", "digest"),
    }


@pytest.mark.parametrize(
    ("given", "status"),
    [(f"Bearer {TOKEN}", 200), (f"Bearer {TOKEN}x", 401), (f"bearer {TOKEN}", 401), (TOKEN, 401), ("", 401),
     ("Bearer \xff", 401)],
)  # fmt: skip
def test_who_bears_the_operators_token_may_look_and_nobody_else(broker: Broker, given: str, status: int) -> None:
    answer = (
        create_app(broker, watch=Watch(token=TOKEN)).test_client().get("/metrics", headers={"Authorization": given})
    )
    assert status == answer.status_code
    assert (status == 401) == (answer.headers.get("WWW-Authenticate") == 'Bearer realm="metrics"')
    assert (status == 200) == ("broker_" in answer.text)


@pytest.mark.parametrize(
    ("issuer", "address", "status"),
    [("http://127.0.0.1:8000", "127.0.0.1", 200), ("http://127.0.0.1:8000", "::1", 200),
     ("http://127.0.0.1:8000", "192.0.2.7", 404), ("https://consent.example", "127.0.0.1", 404)],
)  # fmt: skip
def test_without_a_token_a_development_broker_tells_its_own_machine_and_any_other_nobody(
    broker: Broker, issuer: str, address: str, status: int
) -> None:
    """Behind a proxy on the same machine everybody comes from 127.0.0.1."""
    http = create_app(replace(broker, issuer=issuer)).test_client()
    answer = http.get("/metrics", environ_base={"REMOTE_ADDR": address})
    assert (status, status == 200) == (answer.status_code, "broker_" in answer.text)


def test_it_speaks_the_text_format_and_openmetrics_to_who_asks_for_it(broker: Broker) -> None:
    http = a_scraper(broker)
    plain = http.get("/metrics")
    assert "text/plain; version=0.0.4; charset=utf-8" == plain.headers["Content-Type"]
    families = {family.name for family in read_text(plain.text)}
    opened = http.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0, text/plain;q=0.5"})
    assert opened.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0; charset=utf-8")
    assert {SUFFIXES.sub("", it) for it in families} == {it.name for it in read_openmetrics(opened.text)}


def test_with_the_database_away_a_scrape_says_so_and_still_tells_what_was_counted(
    broker: Broker, tmp_path: Path
) -> None:
    away = a_scraper(replace(broker, database=Database(f"sqlite:///{tmp_path / 'no' / 'broker.db'}")))
    found = figures(away)
    assert 0 == found["broker_database_up", ()]
    assert ("broker_log_leaves", ()) not in found
    assert one(figures(away), "broker_request_duration_seconds_count", route="/metrics", method="GET", status="200")


def test_a_database_that_never_answers_holds_up_no_scrape_and_one_look_at_a_time(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_go, looks = Event(), list[int]()

    def hangs(*_given: object, **_more: object) -> list[Any]:
        looks.append(1)
        let_go.wait(10)
        return []

    monkeypatch.setattr(metrics, "PATIENCE", 0.05)
    monkeypatch.setattr(metrics, "measure", hangs)
    http = a_scraper(broker)
    try:
        assert [0, 0] == [figures(http)["broker_database_up", ()] for _ in range(2)]
        assert 1 == len(looks)
    finally:
        let_go.set()


# --- what is written about them --------------------------------------------------------------------------------


def exposed(http: FlaskClient) -> set[str]:
    """Every figure there is, by the name that a query gives it, without what a histogram or a counter adds."""
    found = {SUFFIXES.sub("", family.name) for family in read_text(http.get("/metrics").text)}
    return found | {f"broker_{name}" for name in HELP}


def named(text: str) -> set[str]:
    """Every figure that a text names."""
    return {SUFFIXES.sub("", name) for name in re.findall(r"\bbroker_[a-z_]+[a-z]\b", text)}


def test_every_figure_is_explained_for_operators_and_no_other_is(broker: Broker) -> None:
    section = (ROOT / "docs" / "operations.md").read_text().partition("## Watching it")[2].partition("\n## ")[0]
    table = {name for line in section.splitlines() if line.startswith("| `broker_") for name in named(line)}
    assert exposed(a_scraper(broker)) == table


@pytest.mark.parametrize("file", ["grafana/consent-broker.json", "prometheus/alerts.yml"])
def test_dashboard_and_alerts_ask_for_what_there_is(broker: Broker, file: str) -> None:
    text = (ROOT / "deploy" / file).read_text()
    found = named(text)
    assert len(found) > 8
    assert set() == found - exposed(a_scraper(broker))


def test_the_dashboard_is_whole_and_shows_every_figure(broker: Broker) -> None:
    board = json.loads((ROOT / "deploy" / "grafana" / "consent-broker.json").read_text())
    assert ("consent-broker", True) == (board["uid"], board["schemaVersion"] >= 36)
    panels = board["panels"]
    assert len(panels) == len({panel["id"] for panel in panels})
    drawn = [panel for panel in panels if panel["type"] != "row"]
    assert [] == [panel["title"] for panel in drawn if not all(it["expr"] for it in panel["targets"])]
    places = [
        (panel["gridPos"]["y"] + down, panel["gridPos"]["x"] + right)
        for panel in panels
        for down in range(panel["gridPos"]["h"])
        for right in range(panel["gridPos"]["w"])
    ]
    assert len(places) == len(set(places))  # no panel lies on another
    assert max(right for _down, right in places) < 24
    assert exposed(a_scraper(broker)) == named(json.dumps([panel["targets"] for panel in drawn]))
