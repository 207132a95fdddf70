"""What the broker says about itself (RFC 8414, RFC 9728, RFC 7517)."""

import pytest
from harness import wire
from harness.running import RunningBroker
from joserfc.jwk import ECKey

#: What is looked at here happens before any row is, or after: one kind of database is enough.
pytestmark = pytest.mark.parametrize("broker", ["sqlite"], indirect=True, scope="session")

SCOPES = {"match", "consent", "ssf.read", "ssf.manage", "redistribute", "contact", "report"}


def test_the_metadata_names_the_issuer_itself(broker: RunningBroker) -> None:
    said = broker.get("/.well-known/oauth-authorization-server").json()
    assert broker.issuer == said["issuer"]


@pytest.mark.parametrize(
    ("member", "expected"),
    [
        ("require_pushed_authorization_requests", True),
        ("authorization_response_iss_parameter_supported", True),
        ("response_types_supported", ["code"]),
        ("code_challenge_methods_supported", ["S256"]),
        ("token_endpoint_auth_methods_supported", ["private_key_jwt"]),
        ("token_endpoint_auth_signing_alg_values_supported", ["ES256"]),
        ("authorization_details_types_supported", ["off_platform_match"]),
        ("grant_types_supported", ["authorization_code", "client_credentials"]),
    ],
)
def test_the_metadata_promises_only_the_strict_way(broker: RunningBroker, member: str, expected: object) -> None:
    said = broker.get("/.well-known/oauth-authorization-server").json()
    assert expected == said[member]


@pytest.mark.parametrize(
    ("member", "path"),
    [
        ("authorization_endpoint", "/oauth/authorize"),
        ("token_endpoint", "/oauth/token"),
        ("pushed_authorization_request_endpoint", "/oauth/par"),
        ("revocation_endpoint", "/oauth/revoke"),
        ("jwks_uri", "/.well-known/jwks.json"),
    ],
)
def test_every_endpoint_stands_under_the_issuer(broker: RunningBroker, member: str, path: str) -> None:
    said = broker.get("/.well-known/oauth-authorization-server").json()
    assert broker.issuer + path == said[member]


def test_scopes_offered_are_scopes_known(broker: RunningBroker) -> None:
    said = broker.get("/.well-known/oauth-authorization-server").json()
    assert {"match", "consent"} <= set(said["scopes_supported"]) <= SCOPES


def test_nothing_offers_refresh_tokens_or_shared_secrets(broker: RunningBroker) -> None:
    said = broker.get("/.well-known/oauth-authorization-server").text
    assert [] == [word for word in ("refresh_token", "client_secret", "implicit", "plain") if f'"{word}' in said]


def test_the_protected_resource_names_its_authorization_server(broker: RunningBroker) -> None:
    said = broker.get("/.well-known/oauth-protected-resource").json()
    assert ([broker.issuer], ["header"]) == (said["authorization_servers"], said["bearer_methods_supported"])


def test_published_keys_are_public_and_named_by_thumbprint(broker: RunningBroker) -> None:
    keys = broker.get("/.well-known/jwks.json").json()["keys"]
    assert keys
    for key in keys:
        assert ("EC", "P-256", "ES256") == (key["kty"], key["crv"], key["alg"])
        assert set() == {"d", "k", "p", "q"} & key.keys()
        assert ECKey.import_key(key).thumbprint() == key["kid"]


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_a_running_broker_says_that_it_is_well(broker: RunningBroker, path: str) -> None:
    assert 200 == broker.get(path).status_code


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/.well-known/oauth-authorization-server"),
        ("POST", "/.well-known/jwks.json"),
        ("GET", "/oauth/par"),
        ("GET", "/oauth/token"),
        ("GET", "/oauth/revoke"),
        ("POST", "/oauth/authorize"),
        ("GET", "/v1/match"),
        ("PUT", "/v1/match"),
        ("POST", "/v1/grants/aaaaaaaaaaaaaaaaaaaaaaaaaa"),
        ("DELETE", "/consents"),
        ("TRACE", "/consents"),
    ],
)
def test_only_the_methods_that_mean_something_are_read(broker: RunningBroker, method: str, path: str) -> None:

    assert 405 == wire.call(method, broker.issuer + path).status_code


@pytest.mark.parametrize(
    "path", ["/nothing", "/v1/nothing", "/oauth/nothing", "/consent/../keys", "/static/..%2f..%2fapp.py"]
)
def test_what_is_not_there_is_not_found(broker: RunningBroker, path: str) -> None:
    assert 404 == broker.get(path).status_code
