"""A business for the tests: its key, its registration, its requests; every part can be made wrong."""

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
from joserfc import jwt
from joserfc.jwk import ECKey

from harness import wire

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
PURPOSES = ("customer-care", "newsletter", "account-management")
PAPERS = ("terms_of_service", "privacy_policy", "developer_agreement", "developer_policy")
AGREEMENTS = dict.fromkeys(PAPERS, "2026-01-10")


def new_key() -> ECKey:
    """Return a new ES256 key with its RFC 7638 thumbprint as kid."""
    key = ECKey.generate_key("P-256", auto_kid=False)
    return ECKey.import_key({**key.as_dict(private=True), "kid": key.thumbprint()})


def registration(key: ECKey, redirect_uri: str, **changes: object) -> dict[str, object]:
    """Return a client file that the broker accepts, with changes; a change to None leaves the member out."""
    whole: dict[str, object] = {
        "client_name": "Northwind Shop",
        "client_uri": "https://northwind.example/",
        "redirect_uris": [redirect_uri],
        "jwks": {"keys": [{**key.as_dict(private=False), "use": "sig", "alg": "ES256"}]},
        "contacts": ["privacy@northwind.example"],
        "policy_uri": "https://northwind.example/privacy",
        "tos_uri": "https://northwind.example/terms",
        "owner": wire.fresh("owner-"),
        "environment": "prod",
        "use_case": f"Answer customers of {wire.fresh('Northwind ')} who write to us on social networks",
        "purposes": list(PURPOSES),
        "platforms": ["x"],
        "agreements": dict(AGREEMENTS),
    }
    return {name: value for name, value in {**whole, **changes}.items() if value is not None}


@dataclass
class Asked:
    """One request for consent, as the business remembers it until the browser comes back."""

    answer: requests.Response
    state: str
    verifier: str

    @property
    def request_uri(self) -> str:
        """The request_uri that the broker gave."""
        uri: str = self.answer.json()["request_uri"]
        return uri


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge of a verifier (RFC 7636)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def person_email(value: str) -> dict[str, str]:
    """Return the identifier of a person by their address."""
    return {"kind": "person", "type": "email", "value": value}


@dataclass
class Business:
    """A registered client."""

    issuer: str
    client_id: str
    key: ECKey
    redirect_uri: str
    _tokens: dict[str, tuple[float, str]] = field(default_factory=dict)

    def claims(self, **changes: object) -> dict[str, object]:
        """Return the claims of a good client assertion, with changes; None leaves a claim out."""
        now = int(time.time())
        whole: dict[str, object] = {
            "iss": self.client_id, "sub": self.client_id, "aud": self.issuer,
            "iat": now, "exp": now + 60, "jti": secrets.token_urlsafe(16),
        }  # fmt: skip
        return {name: value for name, value in {**whole, **changes}.items() if value is not None}

    def assertion(
        self, *, key: Any = None, header: Mapping[str, object] | None = None, **changes: object  # noqa: ANN401
    ) -> str:  # fmt: skip
        """Sign a client assertion."""
        used = self.key if key is None else key
        head = {"alg": "ES256", "kid": self.key.thumbprint(), **(header or {})}
        head = {name: value for name, value in head.items() if value is not None}
        return jwt.encode(head, self.claims(**changes), used, algorithms=[str(head["alg"])])

    def authentication(self, assertion: str | None = None) -> dict[str, str]:
        """Return the form members that authenticate the client."""
        return {
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.assertion() if assertion is None else assertion,
        }

    def details(self, **changes: object) -> dict[str, object]:
        """Return one good object of authorization_details, with changes; None leaves a member out."""
        whole: dict[str, object] = {
            "type": "off_platform_match", "platform": "x",
            "identifier": person_email(wire.fresh_email()),
            "purposes": list(PURPOSES), "valid_for": "P1Y", "locale": "en",
        }  # fmt: skip
        return {name: value for name, value in {**whole, **changes}.items() if value is not None}

    def par(self, *, details: object = None, assertion: str | None = None, **changes: str | None) -> Asked:
        """Push an authorization request; `details` is an object, or text that is sent as it stands."""
        asked = self.details() if details is None else details
        state, verifier = secrets.token_urlsafe(16), secrets.token_urlsafe(48)
        whole: dict[str, str | None] = {
            "response_type": "code", "client_id": self.client_id, "redirect_uri": self.redirect_uri,
            "state": state, "code_challenge": challenge_of(verifier), "code_challenge_method": "S256",
            "authorization_details": asked if isinstance(asked, str) else json.dumps([asked]),
            **self.authentication(assertion), **changes,
        }  # fmt: skip
        sent = {name: value for name, value in whole.items() if value is not None}
        return Asked(wire.post(f"{self.issuer}/oauth/par", data=sent), state, verifier)

    def authorize_url(self, asked: Asked) -> str:
        """Return the address to which the business sends the browser."""
        query = {"client_id": self.client_id, "request_uri": asked.request_uri}
        prepared = requests.Request("GET", f"{self.issuer}/oauth/authorize", params=query).prepare().url
        return str(prepared)

    def token_request(self, **members: str | None) -> requests.Response:
        """Send members to the token endpoint, authenticated unless they say otherwise."""
        whole: dict[str, str | None] = {**self.authentication(), **members}
        sent = {name: value for name, value in whole.items() if value is not None}
        return wire.post(f"{self.issuer}/oauth/token", data=sent)

    def exchange(self, code: str, verifier: str, /, **changes: str | None) -> requests.Response:
        """Exchange a code."""
        whole: dict[str, str | None] = {
            "grant_type": "authorization_code", "code": code, "code_verifier": verifier,
            "redirect_uri": self.redirect_uri, **changes,
        }  # fmt: skip
        return self.token_request(**whole)

    def client_token(self, scope: str = "match") -> str:
        """Return an access token of the client's own, kept for a few minutes."""
        until, token = self._tokens.get(scope, (0.0, ""))
        if time.monotonic() < until:
            return token
        answer = self.token_request(grant_type="client_credentials", scope=scope)
        if answer.status_code != 200:
            raise AssertionError(f"no token: {answer.status_code} {answer.text}")
        fresh: str = answer.json()["access_token"]
        self._tokens[scope] = (time.monotonic() + 200, fresh)
        return fresh

    def forget_tokens(self) -> None:
        """Ask for new tokens from now on."""
        self._tokens.clear()

    def revoke(self, token: str, **members: str) -> requests.Response:
        """Revoke a token (RFC 7009)."""
        sent = {**self.authentication(), "token": token, **members}
        return wire.post(f"{self.issuer}/oauth/revoke", data=sent)

    def pair(self, account: object, identifier: object) -> dict[str, Any]:
        """Return the members that name a pair; an account given as text is an id on x, an identifier an address."""
        named = {"platform": "x", "id": account} if isinstance(account, str) else account
        who = person_email(identifier) if isinstance(identifier, str) else identifier
        return {"account": named, "identifier": who}

    def match_request(
        self, account: object, identifier: object, purpose: object = "customer-care", tag: object = None
    ) -> dict[str, Any]:
        """Return the body of a match request, with a provenance tag where one is given."""
        beside = {} if tag is None else {"provenance": tag}
        return {**self.pair(account, identifier), "purpose": purpose, **beside}

    def ask_match(self, body: object, **headers: str) -> requests.Response:
        """Send a match request."""
        sent = {**wire.bearer(self.client_token()), **headers}
        return wire.post(f"{self.issuer}/v1/match", json=body, headers=sent)

    def match(
        self, account: object, identifier: object, purpose: str = "customer-care", tag: object = None
    ) -> dict[str, Any]:
        """Ask for a match and return the decision."""
        answer = self.ask_match(self.match_request(account, identifier, purpose, tag))
        if answer.status_code != 200:
            raise AssertionError(f"no decision: {answer.status_code} {answer.text}")
        decision: dict[str, Any] = answer.json()
        return decision

    def reason(self, account: object, identifier: object, purpose: str = "customer-care") -> str:
        """Ask for a match and return why it is denied, or `permitted`."""
        found: str = self.match(account, identifier, purpose)["context"].get("reason", "permitted")
        return found

    def api(self, method: str, path: str, *, scope: str, **options: Any) -> requests.Response:  # noqa: ANN401
        """Send a request under /v1 with a token of that scope."""
        headers = {**wire.bearer(self.client_token(scope)), **options.pop("headers", {})}
        return wire.call(method, f"{self.issuer}/v1/{path}", headers=headers, **options)

    def grant(self, grant_id: str, method: str = "GET") -> requests.Response:
        """Read or give up a grant."""
        return self.api(method, f"grants/{grant_id}", scope="consent")

    def associate(self, account: object, identifier: object, tag: object, **headers: str) -> requests.Response:
        """Offer an association without consent; headers by name, `_` for `-`."""
        body = {**self.pair(account, identifier), "provenance": tag}
        return self.api("POST", "associations", scope="match", json=body, headers=_dashed(headers))

    def association(self, association_id: str, method: str = "GET") -> requests.Response:
        """Read or give up an association."""
        return self.api(method, f"associations/{association_id}", scope="match")

    def add_recipient(self, *, headers: Mapping[str, str] | None = None, **changes: object) -> requests.Response:
        """Record a recipient that has agreed to everything, with changes; None leaves a member out."""
        whole = {"name": wire.fresh("Institute "), "agreements": dict(AGREEMENTS), **changes}
        sent = {name: value for name, value in whole.items() if value is not None}
        return self.api("POST", "recipients", scope="redistribute", json=sent, headers=headers or {})

    def recipient(self, **changes: object) -> str:
        """Record a recipient that must be accepted, and return its id."""
        answer = self.add_recipient(**changes)
        if answer.status_code != 201:
            raise AssertionError(f"no recipient: {answer.status_code} {answer.text}")
        found: str = answer.json()["id"]
        return found

    def hand_over(self, recipient: str, count: object, kind: str = "post_ids", **headers: str) -> requests.Response:
        """Have ids counted that are handed over."""
        body = {"recipient": recipient, "kind": kind, "count": count}
        return self.api("POST", "redistributions", scope="redistribute", json=body, headers=_dashed(headers))

    def ask_contact(self, body: object) -> requests.Response:
        """Send a contact check."""
        return self.api("POST", "contact/check", scope="contact", json=body)

    def contact(self, account: object, identifier: object, **fingerprint: str) -> dict[str, Any]:
        """Ask whether an automated message may go out, and return the decision."""
        answer = self.ask_contact({**self.pair(account, identifier), **fingerprint})
        if answer.status_code != 200:
            raise AssertionError(f"no decision: {answer.status_code} {answer.text}")
        decision: dict[str, Any] = answer.json()
        return decision

    def report(self, kind: str, **query: str) -> requests.Response:
        """Ask for a report; `from_` stands for from."""
        asked = {name.rstrip("_"): value for name, value in query.items()}
        return self.api("GET", f"reports/{kind}", scope="report", params=asked)


def _dashed(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


Register = Callable[..., Business]
