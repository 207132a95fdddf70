"""What a business may ask a person for: the pushed authorization request (RFC 9126, RFC 9396, RFC 7636)."""

import json

import pytest
from harness import wire
from harness.business import Business, challenge_of
from harness.running import RunningBroker

ID = {"kind": "person", "type": "email", "value": "jane@example.com"}


def test_a_good_request_is_kept_for_ninety_seconds(business: Business) -> None:
    answer = business.par().answer
    assert (201, 90) == (answer.status_code, answer.json()["expires_in"])
    assert "no-store" in answer.headers["Cache-Control"]


def test_a_request_uri_cannot_be_guessed(business: Business) -> None:
    prefix = "urn:ietf:params:oauth:request_uri:"
    uris = [business.par().request_uri for _ in range(2)]
    assert all(uri.startswith(prefix) and len(uri) >= len(prefix) + 26 for uri in uris)
    assert uris[0] != uris[1]


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge": None},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": "s256"},
        {"code_challenge": "short"},
        {"code_challenge": "a" * 42 + "\n"},
        {"code_challenge": "a" * 300},
        {"code_challenge": "a" * 42 + "="},
        {"code_challenge": ""},
    ],
    ids=[
        "none",
        "no challenge",
        "no method",
        "plain",
        "lower case",
        "short",
        "line break",
        "long",
        "padded",
        "empty",
    ],
)
def test_the_challenge_is_s256_for_everyone(business: Business, changes: dict[str, str | None]) -> None:
    answer = business.par(**changes).answer
    assert (400, "invalid_request") == wire.error_of(answer)
    assert "Location" not in answer.headers


def foreign(uri: str) -> list[str]:
    """Return addresses that are like the registered one and are not it."""
    base = uri.removesuffix("/linked")
    return [
        "https://attacker.example/linked",
        uri + "/",
        uri + "?a=b",
        uri + "#here",
        uri.upper(),
        base,
        base + "/",
        uri.replace("127.0.0.1", "localhost"),
        uri.replace("127.0.0.1", "127.0.0.1.attacker.example"),
        uri.replace("http://", "http://user@"),
        uri.replace("http://", "http://127.0.0.1@attacker.example/"),
        uri.replace("http:", "https:"),
        uri.replace("/linked", "/../linked"),
        uri.replace("/linked", "//linked"),
        uri.replace("/linked", "\\linked"),
        uri.replace("/linked", "/%6cinked"),
        uri + "%0d%0aX: y",
        uri + "\n",
        " " + uri,
        uri + " ",
        "javascript:alert(1)",
        "//attacker.example/linked",
        "/linked",
        "",
        "urn:x",
        base.rpartition(":")[0] + "/linked",
        base + "0/linked",
        uri.replace("127.0.0.1", "127.1"),
        uri.replace("127.0.0.1", "0x7f000001"),
        uri.replace("127.0.0.1", "127.0.0.1."),
    ]


def test_a_foreign_redirect_uri_is_refused_here_and_never_visited(business: Business) -> None:
    answers = {uri: business.par(redirect_uri=uri).answer for uri in foreign(business.redirect_uri)}
    followed = {uri: answer.status_code for uri, answer in answers.items() if answer.status_code != 400}
    assert {} == followed
    assert set() == {uri for uri, answer in answers.items() if "Location" in answer.headers}
    assert {"invalid_request"} == {answer.json()["error"] for answer in answers.values()}


def test_the_redirect_uri_is_always_named(business: Business) -> None:
    answer = business.par(redirect_uri=None).answer
    assert (400, "invalid_request") == wire.error_of(answer)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:again"}, "invalid_request"),
        ({"scope": "everything"}, "invalid_scope"),
        ({"state": "x" * 20_000}, "invalid_request"),
    ],
    ids=["implicit", "hybrid", "no response type", "a request_uri", "an unknown scope", "an endless state"],
)
def test_a_request_of_another_shape_is_refused(business: Business, changes: dict[str, str | None], error: str) -> None:
    answer = business.par(**changes).answer
    assert (400, error) == wire.error_of(answer)
    assert "Location" not in answer.headers


def test_a_client_id_of_another_client_is_refused(business: Business, other_business: Business) -> None:
    answer = business.par(client_id=other_business.client_id).answer
    assert answer.status_code in {400, 401}


@pytest.mark.parametrize("name", ["state", "redirect_uri", "authorization_details", "code_challenge", "client_id"])
def test_a_parameter_that_stands_twice_is_refused(broker: RunningBroker, business: Business, name: str) -> None:
    pairs = [
        ("response_type", "code"), ("client_id", business.client_id), ("redirect_uri", business.redirect_uri),
        ("state", "a"), ("code_challenge", challenge_of("v" * 43)), ("code_challenge_method", "S256"),
        ("authorization_details", json.dumps([business.details()])), *business.authentication().items(),
    ]  # fmt: skip
    twice = [*pairs, (name, dict(pairs)[name])]
    answer = broker.post("/oauth/par", data=twice)
    assert (400, "invalid_request") == wire.error_of(answer)


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data; boundary=x", ""])
def test_a_body_of_another_type_is_refused(broker: RunningBroker, kind: str) -> None:
    answer = broker.post("/oauth/par", data=b"{}", headers={"Content-Type": kind})
    assert answer.status_code in {400, 401}
    assert answer.json()["error"] in {"invalid_client", "invalid_request"}


def test_a_body_over_the_cap_is_refused(business: Business) -> None:
    answer = business.par(details="x" * 2_000_000).answer
    assert 413 == answer.status_code
