"""``Idempotency-Key``: a request that is sent again gets the answer it got, and does nothing twice."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from flask import Response, g, jsonify, request

from broker.actions.state_provenance import read_statement
from broker.core.client import Client
from broker.errors import BrokerError, MalformedRequest
from broker.oauth.context import current_broker
from broker.store.idempotency import claim_key, keep_answer
from broker.store.transaction import Transaction

LIFE = timedelta(hours=24)
_KEY = re.compile(r'"?([A-Za-z0-9._:-]{1,128})"?')


class KeyReused(BrokerError):
    """One key, two different requests."""

    type = "idempotency-key-reused"
    title = "This Idempotency-Key was used for another request"
    status = 422


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What an act answers. ``account`` is whom it is about: answer and digest of the question go with the person.

    A statement that stands in ``body`` is kept with the person alone.
    """

    status: int
    body: Mapping[str, object]
    account: bytes | None = None
    statement_id: str = ""


def answer_once(tx: Transaction, client: Client, act: Callable[[], Reply]) -> Response:
    """Do *act* and answer with it; or, for a key that was used before, answer as then."""
    header = request.headers.get("Idempotency-Key")
    if header is None:
        return _response(act())
    broker, name = current_broker(), client.client_id
    key = broker.blinder.request(name, "key", _key(header))
    fingerprint = broker.blinder.request(
        name, "body", request.method, request.path, request.get_data().decode("latin-1")
    )
    now = broker.now()
    kept = claim_key(tx, name, key, fingerprint=fingerprint, now=now, ends=now + LIFE, store=broker.sealer)
    if kept is None:
        reply = act()
        keep_answer(tx, name, key, answer=_kept(reply), store=broker.sealer, account=reply.account)
        return _response(reply)
    if kept.fingerprint != fingerprint:
        raise KeyReused("the key was used for another request; a new request needs a new key")
    return _response(_again(tx, kept.answer))


def _kept(reply: Reply) -> dict[str, object]:
    """What is kept of an answer: a statement is not, it lies with the person and is put in again."""
    body = {name: value for name, value in reply.body.items() if name != "statement"}
    account = reply.account.hex() if reply.account else None
    return {"status": reply.status, "body": body, "account": account, "statement_id": reply.statement_id}


def _again(tx: Transaction, kept: Mapping[str, object]) -> Reply:
    status, body, account = kept["status"], kept["body"], kept["account"]
    assert isinstance(status, int)  # noqa: S101 - sealed by _kept
    assert isinstance(body, dict)  # noqa: S101 - likewise
    if "instance" in body:
        body["instance"] = f"urn:request:{g.request_id}"
    if isinstance(account, str) and kept["statement_id"]:
        body["statement"] = read_statement(tx, current_broker(), bytes.fromhex(account), str(kept["statement_id"]))
    return Reply(status=status, body=body)


def _key(header: str) -> str:
    match = _KEY.fullmatch(header.strip())
    if match is None:
        raise MalformedRequest("Idempotency-Key must be 1 to 128 letters, digits and . _ : -")
    return match[1]


def _response(reply: Reply) -> Response:
    response = jsonify(reply.body)
    response.status_code = reply.status
    if reply.status >= 400:  # noqa: PLR2004 - HTTP's own number
        response.mimetype = "application/problem+json"
    return response
