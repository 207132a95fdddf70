"""A business built on Authlib's requests client: pushed request, PKCE, private_key_jwt, code exchange.

Reads one JSON line with its settings, prints the address for the browser, reads the address where the
browser came back, prints the token answer.
"""

import json
import os
import secrets
import sys
import time
from urllib.parse import parse_qs, urlencode, urlsplit

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2 import ClientAuth
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc.jwk import ECKey


def say(what: object) -> None:
    """Print one line of JSON."""
    print(json.dumps(what), flush=True)  # noqa: T201 (its answer)


class ShortLived(PrivateKeyJWT):  # type: ignore[misc]
    """Authlib's assertion for a minute in place of an hour."""

    def sign(self, auth: ClientAuth, token_endpoint: str) -> str:
        """Sign with claims of this one use: Authlib would keep the jti in them for the next."""
        self.claims = {"exp": int(time.time()) + 60}
        return str(super().sign(auth, token_endpoint))


def main() -> None:
    """Walk one flow."""
    asked = json.loads(sys.stdin.readline())
    session = OAuth2Session(
        asked["client_id"], ECKey.import_key(asked["key"]), redirect_uri=asked["redirect_uri"],
        token_endpoint_auth_method="private_key_jwt", timeout=30,
    )  # fmt: skip
    # Authlib's default audience is the token endpoint; the broker, as FAPI 2.0, takes its issuer alone.
    session.register_client_auth_method(ShortLived(asked["issuer"], alg="ES256"))
    server = session.get(f"{asked['issuer']}/.well-known/oauth-authorization-server", withhold_token=True).json()
    verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
    pushed = session.post(
        server["pushed_authorization_request_endpoint"],
        withhold_token=True,
        auth=session.client_auth("private_key_jwt"),
        data={
            "response_type": "code",
            "client_id": asked["client_id"],
            "redirect_uri": asked["redirect_uri"],
            "state": state,
            "code_challenge": create_s256_code_challenge(verifier),
            "code_challenge_method": "S256",
            "authorization_details": json.dumps([asked["details"]]),
        },
    ).json()
    query = urlencode({"client_id": asked["client_id"], "request_uri": pushed["request_uri"]})
    say({"url": f"{server['authorization_endpoint']}?{query}"})
    say(finish(session, server, sys.stdin.readline().strip(), verifier=verifier, state=state))


def finish(session: OAuth2Session, server: dict[str, str], callback: str, *, verifier: str, state: str) -> object:
    """Exchange the code that the browser brought, after the checks that Authlib leaves to its user."""
    query = {name: values[0] for name, values in parse_qs(urlsplit(callback).query).items()}
    if query.get("iss") != server["issuer"]:
        return {"error": "wrong_iss"}
    if "error" in query:
        return {"error": query["error"]}
    try:
        token = session.fetch_token(
            server["token_endpoint"], authorization_response=callback, state=state, code_verifier=verifier
        )
    except AuthlibBaseError as error:
        return {"error": error.error}
    return {"token": dict(token)}


if __name__ == "__main__":
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # loopback only; the tests speak http
    main()
