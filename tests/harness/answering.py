"""What a business does when it is told that a consent has ended: it reads its events, and signs what it did."""

import json
import time
from typing import Any

import requests
from joserfc import jws

from harness import wire
from harness.business import Business
from harness.evidence import payload_of


def said(event_id: str, **changes: object) -> dict[str, object]:
    """What a business states, with changes."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {"event": event_id, "action": "unlinked", "done_at": now, **changes}


def signed(business: Business, payload: dict[str, object], *, key: Any = None, **header: object) -> str:  # noqa: ANN401
    """Sign a statement with the business's key, or another."""
    used = key or business.key
    head = {"alg": "ES256", "typ": "consent-action+jwt", "kid": used.thumbprint(), **header}
    return jws.serialize_compact(head, json.dumps(payload).encode(), used)


def states(
    business: Business, text: str, *, scope: str = "consent", kind: str = "application/jose"
) -> requests.Response:
    """Send a statement as it is."""
    headers = {**wire.bearer(business.client_token(scope)), "Content-Type": kind}
    return wire.post(f"{business.issuer}/v1/actions", data=text, headers=headers)


def told(business: Business) -> list[str]:
    """Poll everything, and return the ids of the events that a consent ended with."""
    headers = {name: wire.bearer(business.client_token(f"ssf.{name}")) for name in ("read", "manage")}
    streams = f"{business.issuer}/ssf/streams"
    made = wire.get(streams, headers=headers["read"]).json()
    where = (made[0] if made else wire.post(streams, json={}, headers=headers["manage"]).json())["delivery"]
    ended, done = list[str](), list[str]()
    while True:
        asked = {"ack": done, "returnImmediately": True}
        sets = wire.post(where["endpoint_url"], json=asked, headers=headers["read"]).json()["sets"]
        if not sets:
            return ended
        done = list(sets)
        ended += [
            name for name, text in sets.items() if not any("granted" in kind for kind in payload_of(text)["events"])
        ]
