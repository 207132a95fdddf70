"""What a business did about an event: its own signed statement, and the broker's receipt that holds it whole.

The statement is a JWS by a key that the business registered. The receipt is evidence like any other: signed, a leaf of
the log, and checked by the same steps. It names an event and no person.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from broker.core.action import Action, Statement
from broker.errors import MalformedRequest
from broker.proof.keys import ALGORITHM, JwsSigner
from broker.proof.receipt import Party, timestamp
from broker.proof.sdjwt import SdJwt, commit, header_of, payload_of

#: The receipt's type, and the statement's own, which says most; that of any JWT will do, or none.
TYP, STATED = "action-receipt+sd-jwt", "consent-action+jwt"
_TYPES = {None, "JWT", STATED}
_HEADER = {"alg", "typ", "kid"}
#: A statement holds nothing else: what a business writes in words of its own could name somebody.
_STATED = {"event", "action", "done_at"}
_MAY = {"iss", "aud", "iat"}
_MAX_SIZE = 4096
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})")
_FIRST_YEAR = 2000
Jwk = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Stated:
    """A statement that holds: what it says, and the public key that signed it."""

    statement: Statement
    key: Jwk


def read_action(text: str, *, jwks: Mapping[str, Any], client_id: str, issuer: str) -> Stated:
    """Return what a compact JWS states, signed by a key of *jwks*, or raise :class:`MalformedRequest` saying what not.

    ``iss`` and ``aud`` need not stand there, since an event's id is this client's alone; where they do, they must say
    the client and the issuer.
    """
    if not text.isascii() or len(text) > _MAX_SIZE:
        raise MalformedRequest(f"a statement is a compact JWS of at most {_MAX_SIZE} ASCII characters")
    header = header_of(text)
    if not set(header) <= _HEADER or header.get("alg") != ALGORITHM or header.get("typ") not in _TYPES:
        raise MalformedRequest(f"the statement's header must say alg {ALGORITHM}, typ {STATED}, a kid, and no more")
    key = _signer(text, jwks, header.get("kid"))
    payload = payload_of(text)
    if not _STATED <= set(payload) <= _STATED | _MAY:
        raise MalformedRequest("a statement holds event, action and done_at, may hold iss, aud and iat, and no more")
    if payload.get("iss", client_id) != client_id or payload.get("aud", issuer) != issuer:
        raise MalformedRequest("the statement's iss must be the client_id, its aud the issuer as one string")
    if isinstance(payload.get("iat", 0), bool) or not isinstance(payload.get("iat", 0), int):
        raise MalformedRequest("the statement's iat must be a whole number of seconds")
    return Stated(statement=_statement(payload), key=key)


def _signer(text: str, jwks: Mapping[str, Any], kid: object) -> Jwk:
    """The registered key that signed; never one from the statement."""
    named = [jwk for jwk in jwks["keys"] if kid in (None, jwk["kid"])]
    if not named:
        raise MalformedRequest("the statement's kid is not that of a key of the client's jwks")
    for jwk in named:
        if is_signed(text, jwk):
            return {name: jwk[name] for name in ("kty", "crv", "x", "y", "kid")}
    raise MalformedRequest("the statement is not signed by that key of the client's jwks with ES256")


def is_signed(text: str, jwk: Jwk) -> bool:
    """Whether that key signed a statement."""
    try:
        key = ECKey.import_key({name: str(jwk[name]) for name in ("kty", "crv", "x", "y")})
        jws.deserialize_compact(text, key, algorithms=[ALGORITHM])
    except (JoseError, ValueError, KeyError, TypeError):
        return False
    return True


def _statement(payload: Mapping[str, object]) -> Statement:
    event, action, done_at = (payload[name] for name in ("event", "action", "done_at"))
    if not isinstance(event, str):
        raise MalformedRequest("event must be the id of an event, its jti")
    if action not in tuple(Action):
        raise MalformedRequest(f"action must be one of {', '.join(Action)}")
    return Statement(event_id=event, action=Action(str(action)), done_at=_moment(done_at))


def _moment(value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(value if isinstance(value, str) and _TIME.fullmatch(value) else "")
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise MalformedRequest(
            "done_at must be a time with its zone (RFC 3339), such as 2026-11-23T12:00:00Z"
        ) from error
    if moment.year < _FIRST_YEAR:
        raise MalformedRequest("done_at lies before the event that it answers")
    return moment


@dataclass(frozen=True, kw_only=True)
class ActionClaims:
    """Everything a receipt of an action says; ``text`` is the statement as it came."""

    action_id: str
    received_at: datetime
    client_id: str
    client: Party
    broker: Party
    event_type: str
    event_at: datetime
    due_at: datetime | None
    stated: Stated
    text: str


def sign_action(claims: ActionClaims, key: JwsSigner) -> SdJwt:
    """Sign the receipt of an action. It discloses nothing, and nothing is withheld."""
    raw = json.dumps(commit(_payload(claims), []), ensure_ascii=False, separators=(",", ":")).encode()
    return SdJwt(jwt=key.sign(raw, typ=TYP), disclosures=())


def _payload(claims: ActionClaims) -> dict[str, object]:
    said = claims.stated.statement
    due = {"due_at": timestamp(claims.due_at)} if claims.due_at else {}
    return {
        "iss": claims.broker.id,
        "jti": claims.action_id,
        "iat": int(claims.received_at.timestamp()),
        "aud": claims.client_id,
        "vct": f"{claims.broker.id}/schemas/action-receipt/1",
        "action": {
            "event": said.event_id,
            "event_type": claims.event_type,
            "event_time": timestamp(claims.event_at),
            **due,
            "action": said.action.value,
            "done_at": timestamp(said.done_at),
            "received_at": timestamp(claims.received_at),
            "stated_by": claims.client.claims(role="dpv:DataController", kind="dpv:Recipient"),
            "received_by": claims.broker.claims(role="dpv:DataProcessor", kind="dpv:DataProcessor"),
            "statement": claims.text,
            "key": dict(claims.stated.key),
        },
    }
