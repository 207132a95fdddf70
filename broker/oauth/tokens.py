"""Access tokens: RFC 9068 JWTs of 300 s, signed with ES256.

``token_type`` follows what is issued, so that a sender-constrained kind (RFC 9449) finds its place here.
"""

from __future__ import annotations

import json
from datetime import timedelta

from joserfc import jwt
from joserfc.errors import JoseError

from broker.actions.broker import Broker
from broker.errors import MalformedRequest
from broker.oauth.models import AccessToken, GrantUser, OAuthClient
from broker.proof.keys import ALGORITHM
from broker.proof.sdjwt import header_of

LIFE = timedelta(seconds=300)
TYP = "at+jwt"


def issue_token(
    broker: Broker, *, client: OAuthClient, scope: str, token_id: str, user: GrantUser | None
) -> dict[str, object]:
    """Sign an access token and return the members of the token answer."""
    now = int(broker.now().timestamp())
    claims = {
        "iss": broker.issuer,
        "aud": broker.issuer,
        "sub": user.get_user_id() if user else client.get_client_id(),
        "client_id": client.get_client_id(),
        "iat": now,
        "exp": now + int(LIFE.total_seconds()),
        "jti": token_id,
        "scope": scope,
        "standing": client.client.standing_number,
        **({"grant_id": user.grant_id} if user else {}),
    }
    signed = broker.keys.tokens.sign(json.dumps(claims, separators=(",", ":")).encode(), typ=TYP)
    return {
        "access_token": signed,
        "token_type": "Bearer",
        "expires_in": int(LIFE.total_seconds()),
        "scope": scope,
    }


def read_token(broker: Broker, text: str) -> AccessToken | None:
    """Verify one of our own access tokens; None when it is not one, or has expired."""
    try:
        header = header_of(text)
        key = broker.keys.token_key(str(header.get("kid")))
        # joserfc checks no type: a receipt or an event signed by us must not pass for a token. A header that is not
        # to the letter the one we write is not ours.
        if key is None or header != {"alg": ALGORITHM, "typ": TYP, "kid": header["kid"]}:
            return None
        claims = jwt.decode(text, key, algorithms=[ALGORITHM]).claims
    except (JoseError, ValueError, MalformedRequest):
        return None
    now = int(broker.now().timestamp())
    if claims.get("iss") != broker.issuer or claims.get("aud") != broker.issuer or claims["exp"] <= now:
        return None
    return AccessToken(
        token_id=claims["jti"],
        client_id=claims["client_id"],
        scope=claims["scope"],
        expires_at=claims["exp"],
        grant_id=claims.get("grant_id"),
        standing_number=claims.get("standing"),
    )
