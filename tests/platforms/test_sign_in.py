"""What a person's browser is sent to a platform with, and what of its answer is looked at first."""

import base64
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from broker.errors import FlowBroken
from broker.platforms import Attempt
from broker.platforms.client import Credentials, checked_code
from broker.platforms.x import ADDRESSES, X

ATTEMPT = Attempt(
    state="the-state",
    verifier="v" * 43,
    nonce="the-nonce",
    redirect_uri="https://consent.example/link/x/callback",
    now=datetime(2026, 11, 23, tzinfo=UTC),
)
PLATFORM = X(credentials=Credentials(client_id="broker", client_secret="made-up"), addresses=ADDRESSES)
ISSUER = "https://login.example"


def test_x_is_asked_for_two_scopes_with_s256() -> None:
    asked = urlsplit(PLATFORM.authorize_url(ATTEMPT))
    challenge = base64.urlsafe_b64encode(hashlib.sha256(ATTEMPT.verifier.encode()).digest()).rstrip(b"=").decode()
    assert ADDRESSES["authorize_url"] == f"{asked.scheme}://{asked.netloc}{asked.path}"
    assert {
        "response_type": ["code"],
        "client_id": ["broker"],
        "redirect_uri": [ATTEMPT.redirect_uri],
        "scope": ["tweet.read users.read"],
        "state": ["the-state"],
        "code_challenge": [challenge],
        "code_challenge_method": ["S256"],
    } == parse_qs(asked.query, strict_parsing=True)


def test_the_verifier_stays_here() -> None:
    asked = PLATFORM.authorize_url(ATTEMPT)
    assert [] == [secret for secret in (ATTEMPT.verifier, "made-up") if secret in asked]


TAKEN: dict[str, tuple[Mapping[str, str], str | None, bool]] = {
    "a platform without iss": ({"code": "c"}, None, False),
    "the issuer that was asked": ({"code": "c", "iss": ISSUER}, ISSUER, True),
    "an issuer that may be silent": ({"code": "c"}, ISSUER, False),
    "an issuer that speaks though it need not": ({"code": "c", "iss": ISSUER}, ISSUER, False),
}


@pytest.mark.parametrize(("callback", "issuer", "required"), TAKEN.values(), ids=TAKEN.keys())
def test_an_answer_of_the_one_that_was_asked_is_taken(
    callback: Mapping[str, str], issuer: str | None, *, required: bool
) -> None:
    assert "c" == checked_code(callback, issuer=issuer, iss_required=required)


REFUSED: dict[str, tuple[Mapping[str, str], str | None, bool, str]] = {
    "another issuer": ({"code": "c", "iss": "https://stranger.example"}, ISSUER, True, "another issuer"),
    "the issuer with a slash": ({"code": "c", "iss": ISSUER + "/"}, ISSUER, False, "another issuer"),
    "a silent issuer": ({"code": "c"}, ISSUER, True, "another issuer"),
    "an empty iss": ({"code": "c", "iss": ""}, ISSUER, False, "another issuer"),
    "an issuer where none is expected": ({"code": "c", "iss": ISSUER}, None, False, "another issuer"),
    "no code": ({"iss": ISSUER}, ISSUER, True, "no code"),
    "an empty code": ({"code": ""}, None, False, "no code"),
}


@pytest.mark.parametrize(("callback", "issuer", "required", "named"), REFUSED.values(), ids=REFUSED.keys())
def test_an_answer_of_anybody_else_is_refused(
    callback: Mapping[str, str], issuer: str | None, named: str, *, required: bool
) -> None:
    """RFC 9207: without this look a mixed-up code is spent at the wrong platform."""
    with pytest.raises(FlowBroken, match=named):
        checked_code(callback, issuer=issuer, iss_required=required)
