"""Who a client is: `private_key_jwt`, for us alone, short-lived, once (RFC 7523 as FAPI 2.0 narrows it)."""

import base64
import hmac
import json
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness import wire
from harness.business import ASSERTION_TYPE, Business, new_key
from harness.running import RunningBroker
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

RACERS = 200
HOUR = 3600
DECADE = 10 * 365 * 24 * HOUR

Forger = Callable[[Business], str]


def encoded(part: object) -> str:
    """Return JSON in base64url without padding."""
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def unsigned(business: Business) -> str:
    """Return an assertion of alg none with an empty signature."""
    return f"{encoded({'alg': 'none'})}.{encoded(business.claims())}."


def hmac_with_the_public_key(business: Business) -> str:
    """Return an assertion MACed with the client's public key, as algorithm confusion does."""
    # By hand: joserfc knows better than to take a public key for a secret.
    signed = f"{encoded({'alg': 'HS256'})}.{encoded(business.claims())}"
    mac = hmac.digest(business.key.as_pem(private=False), signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def hmac_with_an_empty_secret(business: Business) -> str:
    """Return an assertion MACed with a secret that anybody knows."""
    secret = OctKey.import_key(b"secret-secret-secret-secret-1234")
    return jwt.encode({"alg": "HS256"}, business.claims(), secret, algorithms=["HS256"])


def rsa_signed(business: Business) -> str:
    """Return an assertion of another algorithm and key."""
    key = RSAKey.generate_key(2048, auto_kid=False)
    return jwt.encode({"alg": "RS256"}, business.claims(), key, algorithms=["RS256"])


def key_in_the_header(business: Business) -> str:
    """Return an assertion that brings its own key along (jwk header)."""
    key = ECKey.generate_key("P-256", auto_kid=False)
    header = {"alg": "ES256", "jwk": key.as_dict(private=False)}
    return jwt.encode(header, business.claims(), key, algorithms=["ES256"])


def altered_after_signing(business: Business) -> str:
    """Return an assertion whose claims were changed after it was signed."""
    header, _, signature = business.assertion().split(".")
    return f"{header}.{encoded(business.claims())}.{signature}"


def soon(seconds: int) -> int:
    """Return the time in some seconds."""
    return int(time.time()) + seconds


FORGERIES: dict[str, Forger] = {
    "a list aud that contains us": lambda b: b.assertion(aud=[b.issuer]),
    "a list aud with a stranger": lambda b: b.assertion(aud=[b.issuer, "https://other.example"]),
    "the issuer with a slash": lambda b: b.assertion(aud=b.issuer + "/"),
    "the token endpoint as aud": lambda b: b.assertion(aud=b.issuer + "/oauth/token"),
    "another server as aud": lambda b: b.assertion(aud="https://other.example"),
    "no aud": lambda b: b.assertion(aud=None),
    "exp years away": lambda b: b.assertion(exp=soon(DECADE)),
    "exp an hour away": lambda b: b.assertion(exp=soon(HOUR)),
    "exp in the past": lambda b: b.assertion(exp=soon(-HOUR), iat=soon(-2 * HOUR)),
    "no exp": lambda b: b.assertion(exp=None),
    "exp as text": lambda b: b.assertion(exp=str(soon(60))),
    "exp true": lambda b: b.assertion(exp=True),
    "iat in the future": lambda b: b.assertion(iat=soon(HOUR), exp=soon(HOUR + 60)),
    "nbf in the future": lambda b: b.assertion(nbf=soon(HOUR)),
    "no jti": lambda b: b.assertion(jti=None),
    "an empty jti": lambda b: b.assertion(jti=""),
    "a jti that is a number": lambda b: b.assertion(jti=12345),
    "a jti that is a list": lambda b: b.assertion(jti=[secrets.token_hex(8)]),
    "no iss": lambda b: b.assertion(iss=None),
    "no sub": lambda b: b.assertion(sub=None),
    "another iss": lambda b: b.assertion(iss="aaaaaaaaaaaaaaaaaaaaaaaaaa"),
    "another sub": lambda b: b.assertion(sub="aaaaaaaaaaaaaaaaaaaaaaaaaa"),
    "a client that nobody knows": lambda b: b.assertion(iss="a" * 26, sub="a" * 26),
    "a sub with a NUL": lambda b: b.assertion(iss=b.client_id + "\x00", sub=b.client_id + "\x00"),
    "a key of somebody else": lambda b: b.assertion(key=new_key()),
    "a kid that nobody has": lambda b: b.assertion(key=new_key(), header={"kid": "nobody"}),
    "alg none": unsigned,
    "HS256 with the public key": hmac_with_the_public_key,
    "HS256 with a known secret": hmac_with_an_empty_secret,
    "RS256": rsa_signed,
    "a key in the header": key_in_the_header,
    "altered after signing": altered_after_signing,
    "no signature": lambda b: b.assertion().rpartition(".")[0] + ".",
    "no JWT": lambda _: "not-a-jwt",
    "nothing": lambda _: "",
    "five parts": lambda b: b.assertion() + ".a.b",
    "a megabyte": lambda b: b.assertion(padding="x" * 800_000),
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
def test_an_assertion_that_is_not_exactly_right_gives_no_token(business: Business, forge: Forger) -> None:
    answer = business.token_request(grant_type="client_credentials", client_assertion=forge(business))
    assert answer.status_code in {400, 401, 413}
    assert answer.status_code == 413 or answer.json()["error"] in {"invalid_client", "invalid_request"}
    assert "access_token" not in answer.json()


@pytest.mark.parametrize(
    "name", ["a key of somebody else", "alg none", "exp years away", "a list aud that contains us"]
)
@pytest.mark.parametrize("endpoint", ["par", "revoke"])
def test_every_endpoint_looks_at_the_assertion(business: Business, name: str, endpoint: str) -> None:
    assertion = FORGERIES[name](business)
    if endpoint == "par":
        answer = business.par(assertion=assertion).answer
    else:
        answer = business.revoke("a-token", client_assertion=assertion)
    assert (401, "invalid_client") == wire.error_of(answer)


def test_a_good_assertion_gives_a_token(business: Business) -> None:
    answer = business.token_request(grant_type="client_credentials", scope="match")
    assert 200 == answer.status_code


def test_an_assertion_of_the_longest_life_gives_a_token(business: Business) -> None:
    assertion = business.assertion(exp=soon(295))
    answer = business.token_request(grant_type="client_credentials", client_assertion=assertion)
    assert 200 == answer.status_code


def test_an_assertion_works_once(business: Business) -> None:
    assertion = business.assertion()
    answers = [business.token_request(grant_type="client_credentials", client_assertion=assertion) for _ in range(2)]
    assert [200, 401] == [answer.status_code for answer in answers]
    assert "invalid_client" == answers[1].json()["error"]


def test_an_assertion_used_at_one_endpoint_is_used_at_all(business: Business) -> None:
    assertion = business.assertion()
    assert 201 == business.par(assertion=assertion).answer.status_code
    answer = business.token_request(grant_type="client_credentials", client_assertion=assertion)
    assert (401, "invalid_client") == wire.error_of(answer)


def test_the_same_jti_signed_anew_is_a_replay(business: Business) -> None:
    jti = secrets.token_hex(8)
    answers = [
        business.token_request(
            grant_type="client_credentials", client_assertion=business.assertion(jti=jti, exp=soon(30 + life))
        )
        for life in (0, 20)
    ]
    assert [200, 401] == [answer.status_code for answer in answers]


def test_two_clients_may_use_the_same_jti(business: Business, other_business: Business) -> None:
    jti = secrets.token_hex(8)
    answers = [
        one.token_request(grant_type="client_credentials", client_assertion=one.assertion(jti=jti))
        for one in (business, other_business)
    ]
    assert [200, 200] == [answer.status_code for answer in answers]


def test_of_two_hundred_racing_uses_of_one_assertion_one_succeeds(business: Business) -> None:
    assertion = business.assertion(exp=soon(240))

    def use(_: int) -> int:
        answer = business.token_request(grant_type="client_credentials", client_assertion=assertion)
        return answer.status_code

    with ThreadPoolExecutor(16) as racers:
        statuses = list(racers.map(use, range(RACERS)))
    assert (1, RACERS - 1) == (statuses.count(200), statuses.count(401))


@pytest.mark.parametrize(
    "members",
    [
        {"client_assertion_type": None},
        {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"},
        {"client_assertion": None},
        {"client_assertion": None, "client_assertion_type": None},
        {"client_assertion": None, "client_assertion_type": None, "client_secret": "guess"},
    ],
    ids=["no type", "another type", "no assertion", "nothing", "a secret"],
)
def test_there_is_no_other_way_to_authenticate(business: Business, members: dict[str, str | None]) -> None:
    answer = business.token_request(grant_type="client_credentials", client_id=business.client_id, **members)
    assert answer.status_code in {400, 401}
    assert answer.json()["error"] in {"invalid_client", "invalid_request"}


def test_basic_credentials_are_refused(broker: RunningBroker, business: Business) -> None:
    answer = broker.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=(business.client_id, "guess"))
    assert (401, "invalid_client") == wire.error_of(answer)


def test_two_assertions_are_one_too_many(broker: RunningBroker, business: Business) -> None:
    pairs = [
        ("grant_type", "client_credentials"), ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", business.assertion()), ("client_assertion", business.assertion()),
    ]  # fmt: skip
    answer = broker.post("/oauth/token", data=pairs)
    assert answer.status_code in {400, 401}


def test_a_client_id_beside_the_assertion_must_agree_with_it(business: Business, other_business: Business) -> None:
    answer = business.token_request(grant_type="client_credentials", client_id=other_business.client_id)
    assert answer.status_code in {400, 401}
    assert answer.json()["error"] in {"invalid_client", "invalid_request"}
