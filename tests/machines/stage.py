"""A whole broker for machines: the real app on real SQLite, and a clock that is moved by hand.

Businesses and visitors speak to it through WSGI, as theirs do over HTTP; the platform proves whom it is told.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from builders import Clock, a_broker, a_pen, a_platform, emptied
from flask import Flask
from joserfc import jwt
from joserfc.jwk import ECKey
from sqlalchemy import event
from werkzeug.test import Client as Wsgi
from werkzeug.test import TestResponse

from broker.actions.broker import Broker
from broker.actions.register_client import register_client
from broker.app import create_app
from broker.core.client import SCOPES, Client
from broker.core.identifiers import Grammar, PlatformAccount, ProvenAccount
from broker.core.policy import Policy
from broker.oauth.models import OAuthClient
from broker.oauth.tokens import LIFE, issue_token
from broker.platforms import Attempt
from broker.policies import Policies
from broker.store.database import Database
from broker.store.migrating import migrate
from broker.web.registration import ClientWire
from broker.web.wire import parse

ISSUER = "https://consent.example"
BACK = "https://business.example/linked"
VERIFIER = "a-verifier-of-at-least-forty-three-characters"
CHALLENGE = "mg3QoZgnRJxQy_jYdfW7D8wJkoziCuM8Yhos7PwVvsI"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_FIELD = re.compile(r'name="csrf" value="([0-9a-f]+)"')


@dataclass(frozen=True)
class OpenPlatform:
    """A platform whose callback names who signed in."""

    name: str = "x"
    label: str = "X"
    grammar: Grammar = field(default_factory=lambda: a_platform().grammar)

    def authorize_url(self, attempt: Attempt) -> str:
        """Where the visitor's browser is sent."""
        return f"https://platform.example/authorize?state={attempt.state}"

    def prove(self, _attempt: Attempt, callback: Mapping[str, str]) -> ProvenAccount:
        """Who the callback says."""
        account, handle = callback["code"].split(":")
        return ProvenAccount(account=PlatformAccount(platform=self.name, id=account), handle=handle)


def open_database(path: object) -> Database:
    """Open and migrate a SQLite file that need not outlive the machine: without waiting for the disk."""
    database = Database(f"sqlite:///{path}", pen=a_pen())
    event.listen(database.engine, "connect", lambda raw, _record: raw.execute("PRAGMA synchronous=OFF"))
    migrate(database)
    return database


@cache
def key_of(name: str) -> ECKey:
    """A client's own key, made once a run."""
    key = ECKey.generate_key("P-256", auto_kid=False)
    return ECKey.import_key({**key.as_dict(private=True), "kid": f"the key of {name}".replace(" ", "-")})


def client_file(name: str, **members: object) -> dict[str, Any]:
    """A client file that the broker accepts."""
    return {
        "client_name": name,
        "client_uri": "https://business.example/",
        "redirect_uris": [BACK],
        "jwks": {"keys": [key_of(name).as_dict(private=False)]},
        "contacts": ["privacy@business.example"],
        "environment": "prod",
        "use_case": f"Answer customers of {name} on the platform they write from.",
        "platforms": ["x"],
        **members,
    }


class Stage:
    """One running broker. *policy* takes the place of the shipped terms."""

    def __init__(self, database: Database, *, policy: Policy | None = None, **parts: Any) -> None:  # noqa: ANN401 - any of a broker
        self.clock = Clock()
        broker = a_broker(emptied(database), clock=self.clock)
        policies = Policies({**broker.policies.by_platform, "x": policy}) if policy else broker.policies
        self.broker: Broker = replace(broker, platforms={"x": OpenPlatform()}, policies=policies, **parts)
        self.app: Flask = create_app(self.broker)

    def register(self, **members: Any) -> Business:  # noqa: ANN401 - JSON
        """Register a client as the command does, or raise what refused it."""
        registration = parse(ClientWire, members).to_core(loopback=False)
        with self.broker.database.transaction() as tx:
            client = register_client(tx, self.broker, registration)
        return Business(self, client, key_of(members["client_name"]))


@dataclass
class Answer:
    """What came back: status, headers and body as they came."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The body, read."""
        read: dict[str, Any] = json.loads(self.body)
        return read


class Business:
    """A registered client, and the calls it makes."""

    def __init__(self, stage: Stage, client: Client, key: ECKey) -> None:
        self.stage, self.client, self.key = stage, client, key
        self.wsgi = Wsgi(stage.app, use_cookies=False)
        self._token: tuple[Any, str] | None = None

    @property
    def realm(self) -> str:
        """The environment whose data it meets."""
        return self.client.registration.environment

    def stands(self, client: Client) -> None:
        """Take note of a new standing: tokens end with the one they were issued under."""
        self.client, self._token = client, None

    def token(self) -> str:
        """A token of its own for everything, whatever its standing."""
        now = self.stage.clock()
        if self._token is None or now >= self._token[0] + LIFE:
            broker, client = self.stage.broker, OAuthClient(self.client)
            token_id = sha256(f"{self.client.client_id} {now}".encode()).hexdigest()
            issued = issue_token(broker, client=client, scope=" ".join(SCOPES), token_id=token_id, user=None)
            self._token = now, str(issued["access_token"])
        return self._token[1]

    def call(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Call the API."""
        sent = {"Authorization": f"Bearer {self.token()}", **headers}
        raw = None if body is None else json.dumps(body)
        kind = None if raw is None else "application/json"
        answer = self.wsgi.open(path, method=method, data=raw, content_type=kind, headers=sent, base_url=ISSUER)
        return _answer(answer)

    def post(self, path: str, **members: object) -> Answer:
        """POST; a member that is None is left out."""
        return self.call("POST", path, {name: value for name, value in members.items() if value is not None})

    def push(self, identifier: Mapping[str, str], purposes: tuple[str, ...], *, days: int) -> Answer:
        """Push an authorization request (RFC 9126)."""
        details = {
            "type": "off_platform_match",
            "platform": "x",
            "identifier": identifier,
            "purposes": purposes,
            "valid_for": f"P{days}D",
        }
        return self._form(
            "/oauth/par",
            response_type="code",
            client_id=self.client.client_id,
            redirect_uri=BACK,
            code_challenge=CHALLENGE,
            code_challenge_method="S256",
            authorization_details=json.dumps([details]),
        )

    def exchange(self, code: str) -> dict[str, Any]:
        """Exchange a code for what was granted."""
        answer = self._form(
            "/oauth/token", grant_type="authorization_code", code=code, redirect_uri=BACK, code_verifier=VERIFIER
        )
        assert answer.status == 200, answer.body
        return answer.json

    def _form(self, path: str, **fields: str) -> Answer:
        broker, name = self.stage.broker, self.client.client_id
        now = int(self.stage.clock().timestamp())
        claims = {"iss": name, "sub": name, "aud": ISSUER, "iat": now, "exp": now + 60, "jti": broker.new_secret()}
        header = {"alg": "ES256", "kid": self.key.kid}
        signed = jwt.encode(header, claims, self.key, algorithms=["ES256"])
        data = {**fields, "client_assertion_type": ASSERTION, "client_assertion": signed}
        return _answer(self.wsgi.post(path, data=data, base_url=ISSUER))


class Visitor:
    """A person's browser, and the account that they prove with it; *bears* tells under which handle."""

    def __init__(self, stage: Stage, account: str, bears: Callable[[], str]) -> None:
        self.stage, self.account, self.bears = stage, account, bears
        self.wsgi = Wsgi(stage.app)

    def answers(self, business: Business, request_uri: str, **choice: object) -> dict[str, str]:
        """Walk from the business through the platform to the notice, and answer it; what the business is sent back."""
        query = urlencode({"client_id": business.client.client_id, "request_uri": request_uri})
        notice = self._signs_in(self._get(f"/oauth/authorize?{query}")).location
        page = self._get(notice).text
        answer = self._post(notice, csrf=_csrf(page), **choice)
        assert answer.status_code == 303, answer.text
        return _query(answer.location)

    def signs_in(self, realm: str) -> str:
        """Prove the account for a visit of one's own; the token of the forms on its page."""
        self.wsgi = Wsgi(self.stage.app)
        page = self._get(f"/consents?environment={realm}").text
        self._signs_in(self._post("/consents/sign-in", csrf=_csrf(page), platform="x", environment=realm))
        return _csrf(self._get("/consents").text)

    def withdraws(self, realm: str, grant_id: str) -> None:
        """Take a consent back on one's own page."""
        csrf = self.signs_in(realm)
        assert self._post("/consents/withdraw", csrf=csrf, grant_id=grant_id).status_code == 303

    def objects(self, realm: str, choice: str, client_id: str = "") -> None:
        """Object to one business, or to all; or take that back."""
        csrf = self.signs_in(realm)
        assert self._post("/consents/object", csrf=csrf, choice=choice, client_id=client_id).status_code == 303

    def follows(self, link: str) -> None:
        """Open a receipt's link, and press the button that was there at first: an old page may still be open."""
        path = urlsplit(link).path
        self._get(path)
        csrf = self.stage.broker.blinder.form(path.rpartition("/")[2])
        assert self._post(path, csrf=csrf).status_code == 303

    def _signs_in(self, sent: TestResponse) -> TestResponse:
        query = urlencode({"state": _query(sent.location)["state"], "code": f"{self.account}:{self.bears()}"})
        return self._get(f"/link/x/callback?{query}")

    def _get(self, path: str) -> TestResponse:
        answer = self.wsgi.get(path, base_url=ISSUER)
        assert answer.status_code in {200, 303}, answer.text
        return answer

    def _post(self, path: str, **fields: object) -> TestResponse:
        sent = {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()}
        return self.wsgi.post(path, data=sent, base_url=ISSUER)


def _answer(answer: TestResponse) -> Answer:
    with suppress(AttributeError):
        answer.close()
    return Answer(answer.status_code, list(answer.headers), answer.data)


def _csrf(page: str) -> str:
    found = _FIELD.search(page)
    assert found is not None, page
    return found[1]


def _query(location: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
