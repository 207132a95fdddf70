"""What a client holds, and giving it up; and how a protected endpoint turns a caller away (RFC 6750)."""

import base64
import json
import time
from collections.abc import Callable

import pytest
from harness import wire
from harness.business import Business, new_key
from harness.evidence import header_of, payload_of
from harness.person import Linked
from harness.running import RunningBroker
from joserfc import jwt
from joserfc.jwk import OctKey

NOBODYS = "a" * 26


def test_a_client_reads_the_grant_it_holds(business: Business, linked: Linked) -> None:
    answer = business.grant(linked.grant_id)
    body = answer.json()
    assert (200, linked.grant_id) == (answer.status_code, body["grant_id"])
    assert "no-store" in answer.headers["Cache-Control"]
    assert ["customer-care"] == body["authorization_details"][0]["purposes"]


def test_giving_a_grant_up_ends_it_for_the_next_match(business: Business, linked: Linked) -> None:
    assert business.match(linked.account.id, linked.email)["decision"] is True
    assert 204 == business.grant(linked.grant_id, "DELETE").status_code
    assert business.match(linked.account.id, linked.email)["decision"] is False


def test_giving_a_grant_up_ends_its_tokens(business: Business, linked: Linked) -> None:
    business.grant(linked.grant_id, "DELETE")
    answer = wire.get(
        f"{business.issuer}/v1/grants/{linked.grant_id}", headers=wire.bearer(linked.token["access_token"])
    )
    assert 401 == answer.status_code


def test_giving_a_grant_up_twice_is_calm(business: Business, linked: Linked) -> None:
    statuses = [business.grant(linked.grant_id, "DELETE").status_code for _ in range(2)]
    assert 204 == statuses[0]
    assert statuses[1] in {204, 404}


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_grant_of_another_client_reads_as_one_that_is_not_there(
    business: Business, other_business: Business, linked: Linked, method: str
) -> None:
    theirs = other_business.grant(linked.grant_id, method)
    nobodys = other_business.grant(NOBODYS, method)
    assert (404, 404) == (theirs.status_code, nobodys.status_code)
    assert without_traces(theirs.json()) == without_traces(nobodys.json())
    assert business.match(linked.account.id, linked.email)["decision"] is True


def without_traces(problem: dict[str, object]) -> dict[str, object]:
    """Return a problem without what names the one request."""
    return {name: value for name, value in problem.items() if name != "instance"}


@pytest.mark.parametrize("grant_id", ["1", "A" * 26, "%00", "a" * 5000, "..%2f..", "a" * 25 + "%0a", "\u212a" * 26])
def test_a_grant_that_cannot_be_is_not_there(business: Business, grant_id: str) -> None:
    answer = business.grant(grant_id)
    assert answer.status_code in {400, 404, 414}


def test_without_a_token_the_caller_is_told_how_but_no_error(broker: RunningBroker) -> None:
    for answer in (broker.get(f"/v1/grants/{NOBODYS}"), broker.post("/v1/match", json={})):
        challenge = answer.headers["WWW-Authenticate"]
        assert (401, True, False) == (
            answer.status_code,
            challenge.startswith("Bearer"),
            "error" in challenge,
        )
        assert wire.is_problem(answer)


def test_with_a_bad_token_the_caller_is_told_so(broker: RunningBroker) -> None:
    answer = broker.get(f"/v1/grants/{NOBODYS}", headers=wire.bearer("made-up"))
    assert (401, True) == (answer.status_code, 'error="invalid_token"' in answer.headers["WWW-Authenticate"])
    assert wire.is_problem(answer)


def test_a_token_of_another_scope_is_not_enough(business: Business, linked: Linked) -> None:
    url = f"{business.issuer}/v1/grants/{linked.grant_id}"
    answer = wire.get(url, headers=wire.bearer(business.client_token("match")))
    assert (403, True) == (
        answer.status_code,
        'error="insufficient_scope"' in answer.headers["WWW-Authenticate"],
    )
    answer = wire.post(f"{business.issuer}/v1/match", json={}, headers=wire.bearer(business.client_token("consent")))
    assert 403 == answer.status_code


def access_token(business: Business) -> str:
    """Return a good token that may read grants."""
    return business.client_token("consent")


def encoded(part: object) -> str:
    """Return JSON in base64url without padding."""
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def with_other_claims(business: Business) -> str:
    """Return a token whose claims were changed after signing."""
    header, _, signature = access_token(business).split(".")
    claims = {**payload_of(access_token(business)), "client_id": "b" * 26, "sub": "b" * 26}
    return f"{header}.{encoded(claims)}.{signature}"


def with_alg_none(business: Business) -> str:
    """Return a token without a signature."""
    _, claims, _ = access_token(business).split(".")
    return f"{encoded({'alg': 'none', 'typ': 'at+jwt'})}.{claims}."


def signed_by_somebody_else(business: Business) -> str:
    """Return a token signed by a stranger's key under the broker's kid."""
    token = access_token(business)
    return jwt.encode(header_of(token), payload_of(token), new_key(), algorithms=["ES256"])


def with_a_mac_of_the_public_key(business: Business) -> str:
    """Return a token MACed with the broker's public key."""
    token = access_token(business)
    keys = wire.get(f"{business.issuer}/.well-known/jwks.json").json()["keys"]
    key = OctKey.import_key(json.dumps(keys[0]).encode())
    return jwt.encode({"alg": "HS256", "typ": "at+jwt"}, payload_of(token), key, algorithms=["HS256"])


def with_a_key_in_the_header(business: Business) -> str:
    """Return a token that brings its own key along."""
    key = new_key()
    header = {"alg": "ES256", "typ": "at+jwt", "jwk": key.as_dict(private=False)}
    return jwt.encode(header, payload_of(access_token(business)), key, algorithms=["ES256"])


def signed_by_the_client(business: Business) -> str:
    """Return a token that the client signed for itself."""
    now = int(time.time())
    claims = {**payload_of(access_token(business)), "iat": now, "exp": now + 300}
    header = {"alg": "ES256", "typ": "at+jwt", "kid": business.key.thumbprint()}
    return jwt.encode(header, claims, business.key, algorithms=["ES256"])


FORGED: dict[str, Callable[[Business], str]] = {
    "altered claims": with_other_claims,
    "alg none": with_alg_none,
    "a stranger's signature": signed_by_somebody_else,
    "a MAC with the public key": with_a_mac_of_the_public_key,
    "a key in the header": with_a_key_in_the_header,
    "the client's own signature": signed_by_the_client,
    "a client assertion": lambda business: business.assertion(),
    "cut short": lambda business: access_token(business)[:-4],
    "endless": lambda business: access_token(business) + "A" * 5_000,
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED.keys())
def test_a_token_that_the_broker_did_not_issue_is_refused(
    business: Business, linked: Linked, forge: Callable[[Business], str]
) -> None:
    url = f"{business.issuer}/v1/grants/{linked.grant_id}"
    assert 401 == wire.get(url, headers=wire.bearer(forge(business))).status_code


def test_a_receipt_is_evidence_and_no_token(business: Business, linked: Linked) -> None:
    url = f"{business.issuer}/v1/grants/{linked.grant_id}"
    for shown in (linked.receipt, linked.receipt.split("~")[0]):
        assert 401 == wire.get(url, headers=wire.bearer(shown)).status_code


def test_a_token_is_read_from_the_header_only(business: Business, linked: Linked) -> None:
    url = f"{business.issuer}/v1/grants/{linked.grant_id}"
    token = access_token(business)
    assert 401 == wire.get(url, params={"access_token": token}).status_code
    assert 401 == wire.call("DELETE", url, data={"access_token": token}).status_code
    assert 401 == wire.get(url, headers={"Cookie": f"access_token={token}"}).status_code


@pytest.mark.parametrize(
    "line", ["Bearer", "Bearer ", "Basic YTpi", "DPoP abc", "Bearer a b", "", "\u00ff", "Bearer \u00e9"]
)
def test_a_header_of_another_shape_is_refused(business: Business, line: str) -> None:
    url = f"{business.issuer}/v1/grants/{NOBODYS}"
    assert wire.get(url, headers={"Authorization": line.encode("latin-1")}).status_code in {400, 401}


def test_the_word_bearer_may_be_written_small(business: Business, linked: Linked) -> None:
    url = f"{business.issuer}/v1/grants/{linked.grant_id}"
    assert 200 == wire.get(url, headers={"Authorization": f"bearer {access_token(business)}"}).status_code
