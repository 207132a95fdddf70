"""The end of a consent to the microsecond, over HTTP on both databases, with nobody there to write it down."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from builders import Clock, an_account, an_identifier, consented, registered
from flask.testing import FlaskClient

from broker.actions.broker import Broker
from broker.app import create_app
from broker.core.client import SCOPES, Client
from broker.core.consent import ConsentRecord
from broker.oauth.models import GrantUser, OAuthClient
from broker.oauth.tokens import issue_token

PURPOSES = ("customer-care", "contact")


class Faces:
    """Everything that a business may ask about a consent."""

    def __init__(self, broker: Broker, client: Client, record: ConsentRecord) -> None:
        self.broker, self.client, self.record = broker, client, record
        self.http: FlaskClient = create_app(broker).test_client()
        identifier = an_identifier()
        self.pair = {
            "account": {"platform": "x", "id": an_account().account.id},
            "identifier": {"kind": identifier.kind, "type": identifier.type, "value": identifier.value},
        }
        self.by_handle = {**self.pair, "account": {"platform": "x", "handle": an_account().handle}}

    def bearer(self, user: GrantUser | None = None) -> dict[str, str]:
        """A token of the business's own, or one that came with the grant, and ends with it."""
        scope = "consent" if user else " ".join(SCOPES)
        issued = issue_token(
            self.broker, client=OAuthClient(self.client), scope=scope, token_id=self.broker.new_id(), user=user
        )
        return {"Authorization": f"Bearer {issued['access_token']}"}

    def asks(self, path: str, **body: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """POST, and read the answer."""
        answer = self.http.post(path, json=body, headers=self.bearer())
        assert answer.status_code == 200, answer.text
        return dict(answer.json or {})

    def say(self) -> Iterator[tuple[str, object]]:
        """What each of them says by now."""
        care = {"purpose": "customer-care"}
        for name, pair in (("by id", self.pair), ("by handle", self.by_handle)):
            yield f"match {name}", self.asks("/v1/match", **pair, **care)["decision"]
        yield "contact", self.asks("/v1/contact/check", **self.pair)["decision"]
        grant = f"/v1/grants/{self.record.grant_id}"
        yield "the grant", (self.http.get(grant, headers=self.bearer()).json or {})["status"] == "given"
        user = GrantUser(pairwise="jane", account=self.record.account, grant_id=self.record.grant_id)
        yield "its token", self.http.get(grant, headers=self.bearer(user)).status_code == 200


@pytest.fixture
def faces(broker: Broker) -> Faces:
    """Give a business with a consent for a day."""
    client = registered(broker, purposes=PURPOSES)
    return Faces(broker, client, consented(broker, client, purposes=PURPOSES, valid_for="P1D"))


def test_until_the_last_microsecond_everything_says_yes_and_from_the_second_on_nothing(
    faces: Faces, clock: Clock
) -> None:
    ends = faces.record.valid_until
    for moment, expected in (
        (ends - timedelta(microseconds=1), True),
        (ends, False),
        (ends + timedelta(microseconds=1), False),
        (ends + timedelta(days=400), False),
    ):
        clock.now = moment
        said = dict(faces.say())
        assert dict.fromkeys(said, expected) == said, moment
    assert faces.asks("/v1/match", **faces.pair, purpose="customer-care")["context"]["reason"] == "expired"
