"""Events at the edge: a stream is set up, pushed and polled as OpenID SSF 1.0, RFC 8935 and RFC 8936 say."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from harness import wire
from harness.business import Business
from harness.evidence import payload_of
from harness.person import Linked, Person
from harness.programs import free_port
from harness.receiver import RunningReceiver
from harness.running import RunningBroker
from receivers import read_set

SQLITE = pytest.mark.parametrize("broker", ["sqlite"], indirect=True, scope="session")
PUSH, POLL = "urn:ietf:rfc:8935", "urn:ietf:rfc:8936"
TYPES = "secevent/consent/event-type"


def ssf(business: Business, method: str, path: str, scope: str = "ssf.manage", **options: Any) -> requests.Response:  # noqa: ANN401
    """Call under /ssf with a token of that scope."""
    headers = wire.bearer(business.client_token(scope))
    return wire.call(method, f"{business.issuer}/ssf/{path}", headers=headers, **options)


def stream(business: Business, **wish: object) -> dict[str, Any]:
    """Set a stream up."""
    answer = ssf(business, "POST", "streams", json=wish)
    assert 201 == answer.status_code, answer.text
    made: dict[str, Any] = answer.json()
    return made


def poll(business: Business, made: dict[str, Any], **asked: object) -> dict[str, Any]:
    """Poll once, without waiting unless that is asked for."""
    headers, body = wire.bearer(business.client_token("ssf.read")), {"returnImmediately": True, **asked}
    answer = wire.post(made["delivery"]["endpoint_url"], json=body, headers=headers)
    assert 200 == answer.status_code, answer.text
    polled: dict[str, Any] = answer.json()
    return polled


def until(ready: Callable[[], bool], *, seconds: float = 20) -> None:
    """Wait for something that happens by itself."""
    ends = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < ends, "it did not happen"
        time.sleep(0.05)


@pytest.fixture
def business(broker: RunningBroker) -> Business:
    """Register a business of this test's own: it has one stream."""
    return broker.business()


@pytest.fixture
def receiver(broker: RunningBroker, business: Business, tmp_path: Path) -> Iterator[RunningReceiver]:
    """Run the business's receiver."""
    running = RunningReceiver(tmp_path, issuer=broker.issuer, audience=business.client_id)
    yield running
    running.kill()


def test_whoever_knows_the_issuer_finds_the_rest(broker: RunningBroker) -> None:
    answer = broker.get("/.well-known/ssf-configuration")
    issuer = broker.issuer
    assert {
        "spec_version": "1_0", "issuer": issuer, "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "delivery_methods_supported": [PUSH, POLL], "configuration_endpoint": f"{issuer}/ssf/streams",
        "status_endpoint": f"{issuer}/ssf/status", "verification_endpoint": f"{issuer}/ssf/verify",
        "authorization_schemes": [{"spec_urn": "urn:ietf:rfc:6749"}], "default_subjects": "ALL",
    } == answer.json()  # fmt: skip
    assert ("application/json", "*") == (answer.headers["Content-Type"], answer.headers["Access-Control-Allow-Origin"])


def test_a_consent_and_its_end_are_pushed_as_they_happen(
    broker: RunningBroker, business: Business, person: Person, receiver: RunningReceiver
) -> None:
    stream(business, delivery={"method": PUSH, "endpoint_url": receiver.url, "authorization_header": "Bearer ours"})
    linked = person.consents(business)
    until(lambda: receiver.kinds() == ["consent-granted"])
    began = time.monotonic()
    person.withdraws(linked.grant_id)
    until(lambda: receiver.kinds() == ["consent-granted", "consent-withdrawn"])
    assert time.monotonic() - began < 10
    granted, ended = receiver.got()
    receipt_id = payload_of(linked.receipt)["jti"]
    assert {"format": "jwt_id", "iss": broker.issuer, "jti": receipt_id} == ended["claims"]["sub_id"]
    assert (linked.grant_id, receipt_id) == tuple(
        granted["claims"]["events"][f"{broker.issuer}/{TYPES}/consent-granted"][name]
        for name in ("grant_id", "receipt_id")
    )
    assert "Bearer ours" == ended["authorization"]
    told = ended["claims"]["events"][f"{broker.issuer}/{TYPES}/consent-withdrawn"]
    assert 200 == business.api("GET", f"receipts/{told['receipt_id']}", scope="consent").status_code
    for personal in (linked.account.id, linked.account.handle, linked.email):
        assert personal not in str(receiver.got())


def test_events_are_polled_and_acknowledged(broker: RunningBroker, business: Business, person: Person) -> None:
    made = stream(business)
    assert (POLL, f"{broker.issuer}/ssf/poll/{made['stream_id']}") == tuple(made["delivery"].values())
    linked = person.consents(business)
    person.withdraws(linked.grant_id)
    first = poll(business, made)
    ((event_id, text),) = first["sets"].items()
    keys = broker.get("/.well-known/jwks.json").json()
    assert event_id == read_set(text, keys)["jti"]
    then = poll(business, made, ack=[event_id], maxEvents=5)
    ((second, text),) = then["sets"].items()
    assert [f"{broker.issuer}/{TYPES}/consent-withdrawn"] == list(read_set(text, keys)["events"])
    assert {"sets": {}, "moreAvailable": False} == poll(business, made, ack=[second], setErrs={"x": {"err": "e"}})


@SQLITE
def test_a_poll_waits_for_an_event_and_holds_nobody_else_up(business: Business, person: Person) -> None:
    made = stream(business)
    began = time.monotonic()
    assert {} == poll(business, made, returnImmediately=False)["sets"]
    assert 5 < time.monotonic() - began < 15
    person.consents(business)
    began = time.monotonic()
    assert 1 == len(poll(business, made, returnImmediately=False)["sets"])
    assert time.monotonic() - began < 5


@SQLITE
def test_a_stream_is_shown_changed_replaced_and_given_up(business: Business) -> None:
    unknown = {"inactivity_timeout": 3600, "format": "a later member is not refused"}
    made = stream(business, description="ours", events_requested=["https://a.example/unknown"], **unknown)
    named = f"streams?stream_id={made['stream_id']}"
    assert [] == made["events_delivered"]
    assert (made, [made]) == tuple(ssf(business, "GET", it, "ssf.read").json() for it in (named, "streams"))
    change = {"stream_id": made["stream_id"], "events_requested": [], "iss": business.issuer, "aud": business.client_id}
    changed = ssf(business, "PATCH", "streams", json=change).json()
    assert (changed["events_supported"], "ours") == (changed["events_delivered"], changed["description"])
    replaced = ssf(business, "PUT", "streams", json={"stream_id": made["stream_id"]}).json()
    assert "description" not in replaced
    status = {"stream_id": made["stream_id"], "status": "paused", "reason": "maintenance"}
    assert status == ssf(business, "POST", "status", json=status).json()
    assert status == ssf(business, "GET", f"status?stream_id={made['stream_id']}", "ssf.read").json()
    assert 409 == ssf(business, "POST", "streams", json={}).status_code
    assert 204 == ssf(business, "DELETE", named).status_code
    assert (404, []) == (ssf(business, "DELETE", named).status_code, ssf(business, "GET", "streams", "ssf.read").json())


@SQLITE
def test_a_verification_is_asked_for_and_comes(business: Business) -> None:
    made = stream(business)
    asked = {"stream_id": made["stream_id"], "state": "VGhpcyBpcyBhbiBleGFtcGxl"}
    assert [204, 429] == [ssf(business, "POST", "verify", json=asked).status_code for _ in range(2)]
    (text,) = poll(business, made)["sets"].values()
    claims = read_set(text, wire.get(f"{business.issuer}/.well-known/jwks.json").json())
    uri = "https://schemas.openid.net/secevent/ssf/event-type/verification"
    assert ({"format": "opaque", "id": made["stream_id"]}, {uri: {"state": asked["state"]}}) == (
        claims["sub_id"], claims["events"]
    )  # fmt: skip


@SQLITE
def test_another_business_finds_no_stream_and_no_event(
    broker: RunningBroker, business: Business, person: Person
) -> None:
    made, other = stream(business), broker.business()
    person.consents(business)
    one = made["stream_id"]
    asked = [
        ssf(other, "GET", f"streams?stream_id={one}", "ssf.read"), ssf(other, "DELETE", f"streams?stream_id={one}"),
        ssf(other, "PATCH", "streams", json={"stream_id": one}), ssf(other, "PUT", "streams", json={"stream_id": one}),
        ssf(other, "GET", f"status?stream_id={one}", "ssf.read"), ssf(other, "POST", "verify", json={"stream_id": one}),
        ssf(other, "POST", "status", json={"stream_id": one, "status": "disabled"}),
        ssf(other, "POST", f"poll/{one}", "ssf.read", json={"returnImmediately": True}),
    ]  # fmt: skip
    assert {404} == {answer.status_code for answer in asked}
    assert 1 == len(poll(business, made)["sets"])


@SQLITE
def test_a_token_for_something_else_opens_no_stream(business: Business, linked: Linked) -> None:
    assert 403 == ssf(business, "POST", "streams", "ssf.read", json={}).status_code
    assert 403 == ssf(business, "GET", "streams", "match").status_code
    headers = wire.bearer(linked.token["access_token"])
    assert 403 == wire.post(f"{business.issuer}/ssf/streams", json={}, headers=headers).status_code
    assert 401 == wire.post(f"{business.issuer}/ssf/streams", json={}).status_code


MALFORMED: dict[str, tuple[str, str, object]] = {
    "a list": ("POST", "streams", []),
    "another method of delivery": ("POST", "streams", {"delivery": {"method": "urn:ietf:rfc:9999"}}),
    "pushed nowhere": ("POST", "streams", {"delivery": {"method": PUSH}}),
    "pushed inside": ("POST", "streams", {"delivery": {"method": PUSH, "endpoint_url": "https://169.254.169.254/"}}),
    "pushed in clear": ("POST", "streams", {"delivery": {"method": PUSH, "endpoint_url": "http://shop.example/"}}),
    "two headers in one": (
        "POST", "streams",
        {"delivery": {"method": PUSH, "endpoint_url": "http://127.0.0.1/", "authorization_header": "a\r\nb: c"}},
    ),
    "a header for a poll": ("POST", "streams", {"delivery": {"method": POLL, "authorization_header": "a"}}),
    "a change of nothing": ("PATCH", "streams", {"description": "x"}),
    "no status": ("POST", "status", {"stream_id": "x"}),
    "another status": ("POST", "status", {"stream_id": "x", "status": "on"}), "no stream": ("DELETE", "streams", None),
    "a stream twice": ("GET", "status?stream_id=a&stream_id=b", None),
}  # fmt: skip


@SQLITE
@pytest.mark.parametrize("case", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_not_in_its_form_is_a_problem(business: Business, case: tuple[str, str, object]) -> None:
    method, path, body = case
    scope = "ssf.read" if method == "GET" else "ssf.manage"
    answer = ssf(business, method, path, scope, **({} if body is None else {"json": body}))
    assert (400, "application/problem+json") == (answer.status_code, answer.headers["Content-Type"])


POLLS: dict[str, object] = {
    "less than nothing": {"maxEvents": -1}, "a number in words": {"maxEvents": "5"},
    "a word for yes": {"returnImmediately": "yes"},
    "an id alone": {"ack": "x"}, "an error without a code": {"setErrs": {"x": {}}},
    "an error of two lines": {"setErrs": {"x": {"err": "a\nb"}}},
}  # fmt: skip


@SQLITE
def test_a_poll_that_is_not_in_its_form_is_a_problem(business: Business) -> None:
    made = stream(business)
    headers = wire.bearer(business.client_token("ssf.read"))
    answers = {name: wire.post(made["delivery"]["endpoint_url"], json=body, headers=headers).status_code
               for name, body in POLLS.items()}  # fmt: skip
    assert dict.fromkeys(POLLS, 400) == answers


@SQLITE
def test_a_receiver_that_comes_late_gets_everything_in_order(
    broker: RunningBroker, business: Business, person: Person, tmp_path: Path
) -> None:
    port = free_port()
    stream(business, delivery={"method": PUSH, "endpoint_url": f"http://127.0.0.1:{port}/events"})
    person.withdraws(person.consents(business).grant_id)
    until(lambda: "nobody listens there" in broker.command("deliveries", "list", "--client", business.client_id))
    receiver = RunningReceiver(tmp_path, issuer=broker.issuer, audience=business.client_id)
    there = {"method": PUSH, "endpoint_url": receiver.url}
    made = ssf(business, "GET", "streams", "ssf.read").json()[0]["stream_id"]
    assert 200 == ssf(business, "PATCH", "streams", json={"stream_id": made, "delivery": there}).status_code
    until(lambda: receiver.kinds() == ["consent-granted", "consent-withdrawn"])
    receiver.kill()
