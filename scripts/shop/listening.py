"""What the shop does when a consent ends: it fetches its events, unlinks, and says so, signed with its own key."""

import json
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import requests
from client import TIMEOUT, BrokerClient, ShopError
from customers import Customers
from joserfc import jws, jwt
from joserfc.jwk import KeySet

ENDS = ("consent-withdrawn", "consent-expired", "account-erased")
MOST_POLLS = 100


class Listening:
    """The shop's stream. What it is told is put away before it is acknowledged, and put away twice is put away once."""

    def __init__(self, broker: BrokerClient, customers: Customers) -> None:
        self._broker = broker
        self._customers = customers

    def catch_up(self) -> int:
        """Fetch every event that waits, act on it and acknowledge it; return how many consents had ended."""
        where = self._poll_address()
        ended, done = 0, list[str]()
        for _ in range(MOST_POLLS):
            sets = self._call("POST", where, scope="ssf.read", body={"ack": done, "returnImmediately": True})["sets"]
            if not sets:
                return ended
            keys = self._keys()
            ended += sum(self._act(self._read(text, keys)) for text in sets.values())
            done = list(sets)
        return ended

    def _act(self, event: dict[str, Any]) -> bool:
        """Unlink where a consent ended, then say that it was done; say whether it was such an event."""
        ((kind, told),) = event["events"].items()
        if kind.rpartition("/")[2] not in ENDS:
            return False
        self._customers.forget(told["grant_id"])
        done_at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        self._state({"event": event["jti"], "action": "unlinked", "done_at": done_at})
        return True

    def _state(self, statement: dict[str, str]) -> None:
        """Answer an event with a statement that nobody but the shop could have signed; the answer is its receipt."""
        key = self._broker.key
        header = {"alg": "ES256", "typ": "consent-action+jwt", "kid": key.kid}
        said = {"iss": self._broker.client_id, "aud": self._broker.issuer, **statement}
        signed = jws.serialize_compact(header, json.dumps(said).encode(), key)
        headers = {"Content-Type": "application/jose", "Authorization": f"Bearer {self._broker.token('consent')}"}
        reply = requests.post(f"{self._broker.issuer}/v1/actions", data=signed, headers=headers, timeout=TIMEOUT)
        if reply.status_code not in {HTTPStatus.OK, HTTPStatus.CREATED}:
            raise ShopError(f"The broker answered {reply.status_code} to what the shop did: {reply.text[:300]}")

    def _poll_address(self) -> str:
        """Return the path at which the shop's one stream is polled, set up at the first need."""
        streams = self._call("GET", "/ssf/streams", scope="ssf.read")
        stream = streams[0] if streams else self._call("POST", "/ssf/streams", scope="ssf.manage", body={})
        return str(stream["delivery"]["endpoint_url"]).removeprefix(self._broker.issuer)

    def _read(self, text: str, keys: KeySet) -> dict[str, Any]:
        """Return what an event says, or refuse it: its type, its signature, who sent it, and to whom."""
        token = jwt.decode(text, keys, algorithms=["ES256"])
        issued = (token.header.get("typ"), token.claims.get("iss"), token.claims.get("aud"))
        if issued != ("secevent+jwt", self._broker.issuer, self._broker.client_id):
            raise ShopError("An event came that is not the broker's word to this shop.")
        return token.claims

    def _keys(self) -> KeySet:
        """Return the broker's keys but those that are in other hands."""
        found = requests.get(self._broker.metadata["jwks_uri"], timeout=TIMEOUT).json()["keys"]
        return KeySet.import_key_set({"keys": [key for key in found if key.get("key_ops") != []]})

    def _call(self, method: str, path: str, *, scope: str, body: object = None) -> Any:  # noqa: ANN401 - JSON is what it is
        status, answer = self._broker.call(method, path, scope=scope, body=body)
        if status not in {HTTPStatus.OK, HTTPStatus.CREATED}:
            raise ShopError(f"The broker answered {status} when the shop asked for its events.")
        return answer
