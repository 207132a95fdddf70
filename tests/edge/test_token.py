"""What a code is good for: one token, for its own client, with its proof (RFC 6749, 7636, 9068)."""

from collections.abc import Callable

import pytest
from harness import wire
from harness.business import Asked, Business, person_email
from harness.evidence import header_of, payload_of
from harness.person import Person
from harness.running import RunningBroker


def is_alive(business: Business, token: str, grant_id: str) -> bool:
    """Tell whether a token is honoured: 401 is dead, any other answer has looked at it."""
    answer = wire.get(f"{business.issuer}/v1/grants/{grant_id}", headers=wire.bearer(token))
    return answer.status_code != 401


def test_the_answer_says_what_was_granted(
    business: Business, person: Person, asked: Asked, code: str, email: str
) -> None:
    answer = business.exchange(code, asked.verifier)
    body = answer.json()
    assert (200, "Bearer", 300) == (answer.status_code, body["token_type"], body["expires_in"])
    assert "no-store" in answer.headers["Cache-Control"]
    (granted,) = body["authorization_details"]
    assert {"platform": "x", "id": person.account.id, "handle": person.account.handle} == granted["account"]
    assert (body["grant_id"], ["customer-care"]) == (granted["grant_id"], granted["purposes"])
    assert person_email(email) == granted["identifier"]
    assert {"receipt", "valid_until"} <= granted.keys()
    assert 26 == len(body["grant_id"])


def test_there_is_no_refresh_token(business: Business, asked: Asked, code: str) -> None:
    assert "refresh_token" not in business.exchange(code, asked.verifier).json()


def test_the_token_is_an_access_token_of_five_minutes(
    broker: RunningBroker, business: Business, asked: Asked, code: str
) -> None:
    token = business.exchange(code, asked.verifier).json()["access_token"]
    header, payload = header_of(token), payload_of(token)
    kids = {key["kid"] for key in broker.get("/.well-known/jwks.json").json()["keys"]}
    assert ("at+jwt", "ES256", True) == (header["typ"], header["alg"], header["kid"] in kids)
    assert (300, broker.issuer, business.client_id) == (
        payload["exp"] - payload["iat"], payload["iss"], payload["client_id"],
    )  # fmt: skip
    assert {"aud", "sub", "jti"} <= payload.keys()


def test_the_token_itself_holds_nothing_about_the_person(
    business: Business, person: Person, asked: Asked, code: str, email: str
) -> None:
    token = business.exchange(code, asked.verifier).json()["access_token"]
    said = str(payload_of(token))
    assert [] == [word for word in (person.account.handle, email, email.split("@", maxsplit=1)[0]) if word in said]


def test_a_code_used_twice_ends_the_token_that_it_gave(
    business: Business, person: Person, asked: Asked, code: str, email: str
) -> None:
    first = business.exchange(code, asked.verifier).json()
    assert is_alive(business, first["access_token"], first["grant_id"])
    assert (400, "invalid_grant") == wire.error_of(business.exchange(code, asked.verifier))
    assert not is_alive(business, first["access_token"], first["grant_id"])
    assert business.match(person.account.id, email)["decision"] is True


def test_a_code_used_twice_leaves_the_clients_other_tokens_alone(
    business: Business, asked: Asked, code: str, email: str, person: Person
) -> None:
    business.exchange(code, asked.verifier)
    business.exchange(code, asked.verifier)
    assert 200 == business.ask_match(business.match_request(person.account.id, email)).status_code


WRONG = {
    "another verifier": {"code_verifier": "w" * 43},
    "no verifier": {"code_verifier": None},
    "an empty verifier": {"code_verifier": ""},
    "the challenge as verifier": {"code_verifier": "CHALLENGE"},
    "another redirect_uri": {"redirect_uri": "https://attacker.example/"},
    "no code": {"code": None},
    "a made-up code": {"code": "made-up"},
    "an empty code": {"code": ""},
    "a code with a NUL": {"code": "a\x00"},
    "an endless code": {"code": "c" * 200_000},
}


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG.keys())
def test_a_code_without_all_that_belongs_to_it_gives_nothing(
    business: Business, asked: Asked, code: str, changes: dict[str, str | None]
) -> None:
    answer = business.exchange(code, asked.verifier, **changes)
    assert 400 == answer.status_code
    assert answer.json()["error"] in {"invalid_grant", "invalid_request"}


def test_a_code_is_for_its_own_client(business: Business, other_business: Business, asked: Asked, code: str) -> None:
    stolen = other_business.exchange(code, asked.verifier, redirect_uri=business.redirect_uri)
    assert (400, "invalid_grant") == wire.error_of(stolen)


def test_a_thief_without_the_verifier_gets_nothing_for_a_code_of_another_flow(
    business: Business, new_person: Callable[..., Person]
) -> None:
    mine, theirs = business.par(), business.par()
    code = new_person().code(business, theirs)
    assert (400, "invalid_grant") == wire.error_of(business.exchange(code, mine.verifier))


@pytest.mark.parametrize(
    "grant_type",
    [
        None,
        "",
        "refresh_token",
        "password",
        "implicit",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:ietf:params:oauth:grant-type:device_code",
        "\x00",
    ],
)
def test_other_grants_are_not_given(business: Business, grant_type: str | None) -> None:
    answer = business.token_request(grant_type=grant_type, refresh_token="x", username="a", password="b")
    assert 400 == answer.status_code
    assert answer.json()["error"] in {"unsupported_grant_type", "invalid_request"}


def test_a_token_of_the_clients_own_lives_five_minutes(business: Business) -> None:
    answer = business.token_request(grant_type="client_credentials", scope="match")
    body = answer.json()
    assert (300, "match", "Bearer") == (body["expires_in"], body["scope"], body["token_type"])
    payload = payload_of(body["access_token"])
    assert 300 == payload["exp"] - payload["iat"]
    assert "no-store" in answer.headers["Cache-Control"]
    assert "refresh_token" not in body


@pytest.mark.parametrize("scope", ["admin", "match admin", "match\x00", "MATCH", "match," * 5000])
def test_a_scope_that_nobody_has_is_refused(business: Business, scope: str) -> None:
    answer = business.token_request(grant_type="client_credentials", scope=scope)
    assert 400 == answer.status_code
    assert answer.json()["error"] in {"invalid_scope", "invalid_request"}


def test_a_scope_that_was_not_registered_is_refused(broker: RunningBroker) -> None:
    modest = broker.business(scope="match")
    answer = modest.token_request(grant_type="client_credentials", scope="consent")
    assert (400, "invalid_scope") == wire.error_of(answer)
    granted = modest.token_request(grant_type="client_credentials").json()["scope"]
    assert "match" == granted


def test_a_codes_token_opens_its_grant_and_no_match(business: Business, person: Person) -> None:
    asked = business.par(scope="match consent")
    token = business.exchange(person.code(business, asked), asked.verifier).json()
    assert "consent" == token["scope"]
    held = {"Authorization": f"Bearer {token['access_token']}"}
    assert 200 == wire.get(f"{business.issuer}/v1/grants/{token['grant_id']}", headers=held).status_code
    assert 403 == wire.post(f"{business.issuer}/v1/match", headers=held, json={}).status_code


@pytest.mark.parametrize("name", ["grant_type", "scope"])
def test_a_parameter_that_stands_twice_is_refused(broker: RunningBroker, business: Business, name: str) -> None:
    members = {"grant_type": "client_credentials", "scope": "match", **business.authentication()}
    answer = broker.post("/oauth/token", data=[*members.items(), (name, members[name])])
    assert (400, "invalid_request") == wire.error_of(answer)


def test_a_parameter_that_stands_twice_does_not_spend_the_code(
    broker: RunningBroker, business: Business, asked: Asked, code: str
) -> None:
    members = {
        "grant_type": "authorization_code", "code": code, "code_verifier": asked.verifier,
        "redirect_uri": business.redirect_uri, **business.authentication(),
    }  # fmt: skip
    answer = broker.post("/oauth/token", data=[*members.items(), ("code", "other")])
    assert (400, "invalid_request") == wire.error_of(answer)


def test_members_in_the_address_are_not_read(broker: RunningBroker, business: Business) -> None:
    members = {"grant_type": "client_credentials", **business.authentication()}
    answer = broker.post("/oauth/token", params=members)
    assert answer.status_code in {400, 401}
    assert "access_token" not in answer.text


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data; boundary=x", ""])
def test_a_body_of_another_type_is_refused(broker: RunningBroker, kind: str) -> None:
    answer = broker.post("/oauth/token", data=b'{"grant_type":"client_credentials"}', headers={"Content-Type": kind})
    assert answer.status_code in {400, 401}
