"""Face 2 on its shortest way: ``POST /v1/match`` as nearly all of them come, answered in front of Flask.

Whatever is not as usual (a tag, a handle, an escape, a token that does not stand, a header that says something else)
goes on to the view as it came, which says what is wrong with it. The two give the same answers (tests/web/test_quick).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache, partial
from io import BytesIO
from time import perf_counter
from typing import NamedTuple
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from broker.actions.answer_questions import Named, NeedsMore, Ruled, Sitting
from broker.actions.broker import Broker
from broker.actions.decide_matches import outcome_of
from broker.actions.gather_facts import Question
from broker.core.budget import Allowance
from broker.core.client import Client, Standing
from broker.core.identifiers import PlatformAccount
from broker.core.match import Decision
from broker.core.sheet import Outcome
from broker.errors import TooManyRequests, Unavailable
from broker.oauth.details import is_known
from broker.oauth.models import AccessToken
from broker.oauth.tokens import read_token
from broker.proof.keyring import KeyRing
from broker.proof.receipt import timestamp
from broker.spans import Said, are_sent, span
from broker.store.clients import find_client, version_of
from broker.store.looking import Look, Looker
from broker.store.pairs import given_at, in_microseconds
from broker.store.taping import Answer, Recorded, Recorder
from broker.watching import Tally
from broker.web.batch_reading import read_one
from broker.web.batch_text import answer_parts, answer_text
from broker.web.problems import REQUEST_ID
from broker.web.ratelimit import left_text, policy_text
from broker.web.readers import Readers
from broker.web.security import private_headers_of

PATH, SCOPE = "/v1/match", "match"
_BEARER = "Bearer "
#: Tokens and clients that are remembered; a token lives 300 s.
_MOST = 10_000
#: Random bytes of a request's name.
_NAME_SIZE = 16
#: Bytes of a question: what is longer is seldom one.
_LONGEST = 4096


class _Said(NamedTuple):
    """A decision on a purpose, how its answer is said, and what is recorded of it."""

    decision: Decision
    purpose: str
    parts: tuple[str, str]
    outcome: Outcome


@dataclass(frozen=True)
class _Known:
    """A client as a version of its row says, and what the terms said of its circumstances."""

    version: bytes
    client: Client
    shared: dict[Hashable, Decision] = field(default_factory=dict)
    said: dict[int, _Said] = field(default_factory=dict)

    def of(self, purpose: str, decision: Decision) -> _Said:
        """What is said and recorded of a decision, which is kept with it: its id is its own while it is there."""
        found = self.said.get(id(decision))
        if found is None or found.purpose != purpose:
            if len(self.said) >= _MOST:
                self.said.clear()
            parts, outcome = answer_parts(decision), outcome_of(self.client, purpose, decision)
            found = self.said[id(decision)] = _Said(decision, purpose, parts, outcome)
        return found


class Quick:
    """A WSGI application before another one."""

    def __init__(self, inner: WSGIApplication, broker: Broker, recorder: Recorder, readers: Readers) -> None:
        self._inner, self._broker, self._recorder, self._readers = inner, broker, recorder, readers
        self._looker = Looker(broker.database)
        self._is_known = lru_cache(maxsize=1000)(partial(is_known, broker))
        self._tokens: tuple[KeyRing, dict[str, AccessToken]] = broker.keys, {}
        self._clients: dict[str, _Known] = {}
        now = broker.now()
        self._second = now.replace(microsecond=0), timestamp(now)
        headers = {"Content-Type": "application/json", **private_headers_of(broker.issuer)}
        self._headers = list(headers.items())
        policy = policy_text(broker.budgets.limits)
        self._policy = [("RateLimit-Policy", policy)] if policy else []
        self._tally = Tally("match", PATH, "POST", 200)
        recorder.each_tick = self._tally.hand_on

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer, or let the view answer."""
        if environ["PATH_INFO"] != PATH or not _is_usual(environ):
            return self._inner(environ, start_response)
        token = self._token(environ["HTTP_AUTHORIZATION"])
        try:
            with self._readers.one(token.client_id if token else ""):
                raw = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        except Unavailable:
            return self._inner(environ, start_response)
        found = self._answer(token, raw) if not are_sent() else self._spanned(environ, token, raw)
        if found is None:
            environ["wsgi.input"] = BytesIO(raw)
            return self._inner(environ, start_response)
        answer, allowance = found
        given = environ.get("HTTP_X_REQUEST_ID", "")
        name = given if given and REQUEST_ID.fullmatch(given) else self._broker.random(_NAME_SIZE).hex()
        own = [("Content-Length", str(len(answer))), ("X-Request-ID", name)]
        if self._policy:
            left = left_text(allowance.limits, allowance.left)
            own += [*self._policy, *([("RateLimit", left)] if left else [])]
        start_response("200 OK", [*self._headers, *own])
        return [answer]

    def _spanned(
        self, environ: WSGIEnvironment, token: AccessToken | None, raw: bytes
    ) -> tuple[bytes, Allowance] | None:
        said: dict[str, Said] = {"http.request.method": "POST", "http.route": PATH}
        with span(f"POST {PATH}", said, caller=environ.get("HTTP_TRACEPARENT", "")) as kept:
            found = self._answer(token, raw)
            if found is not None:  # else the view has a span of its own
                kept.say({"http.response.status_code": 200})
        return found

    def _answer(self, token: AccessToken | None, raw: bytes) -> tuple[bytes, Allowance] | None:
        """The answer, on record, and what the client has left; None where it is not for here to give."""
        began = perf_counter()
        question = read_one(self._broker, raw, known=self._is_known) if token else None
        if token is None or question is None:
            return None
        try:
            with self._looker.turn:
                decided = self._decided(token, question)
            if decided is not None:
                self._recorder.make_last(decided[0])
        except (Unavailable, NeedsMore, TooManyRequests):
            return None
        if decided is None:
            return None
        _recorded, text, outcome, allowance = decided
        self._tally.count(outcome, perf_counter() - began)
        return text, allowance

    def _decided(self, token: AccessToken, question: Question) -> tuple[Recorded, bytes, Outcome, Allowance] | None:
        known = self._clients.get(token.client_id) or self._meet(token.client_id)
        if known is None:
            return None
        # Before the look: whatever it sees was so by then, or has begun since.
        now, named = self._broker.now(), self._named(known.client, question)
        look = self._looker.look(token.client_id, token.token_id, named.account, named.identifier)
        if look is None or not self._may_call(known, token, look, now):
            return None
        found = {look.row[0]: look.row} if look.row else {}
        ruled = Sitting(self._broker, known.client, found, look.cautions, shared=known.shared).rule(named)
        if given_at(ruled.names) > in_microseconds(now):
            return None  # given since: no answer is older than what it rests on
        budgets, client_id = self._broker.budgets, token.client_id
        # Last, when nothing is left to the view any more: it would count the question once more.
        allowance = budgets.take(client_id, requests=1, items=1)
        recorded, answer, outcome = self._told(known, named, ruled, now)
        if not ruled.decision.permitted and not look.known:
            allowance = budgets.note(client_id, misses=1)
        return recorded, answer, outcome, allowance

    def _named(self, client: Client, question: Question) -> Named:
        blinder, account_id = self._broker.blinder, question.account_id or ""
        account = blinder.account(
            PlatformAccount(platform=question.platform, id=account_id), environment=client.registration.environment
        )
        return Named(question, account, blinder.identifier(client.client_id, question.identifier), account, account)

    def _may_call(self, known: _Known, token: AccessToken, look: Look, now: datetime) -> bool:
        """Whether the client and its token stand, as they were read with the question; else the view says why not."""
        if look.version != known.version:
            self._clients.pop(token.client_id, None)
            return False
        stands = look.standing == Standing.ACTIVE.value and look.standing_number == token.standing_number
        return stands and not look.revoked and token.expires_at > int(now.timestamp())

    def _told(self, known: _Known, named: Named, ruled: Ruled, now: datetime) -> tuple[Recorded, bytes, Outcome]:
        """Record an answer, and say it."""
        decision, names = ruled
        said = known.of(named.question.purpose, decision)
        answer = Answer(
            at=in_microseconds(now),
            account=named.account,
            identifier=named.identifier,
            outcome=said.outcome,
            ground=names.split(" ", 2)[1] if names else None,
        )
        recorded = self._recorder.record(known.client.client_id, answer)
        text = answer_text(said.parts, recorded.decision_id, self._moment(now), names)
        return recorded, text.encode(), said.outcome

    def _moment(self, now: datetime) -> str:
        """As on the wire, where it is of one second for a while."""
        second, text = self._second
        if second != now.replace(microsecond=0):
            second, text = now.replace(microsecond=0), timestamp(now)
            self._second = second, text
        return text

    def _token(self, header: str) -> AccessToken | None:
        """A token of ours that is good for a match; it may have ended since."""
        keys = self._broker.keys
        of_keys, tokens = self._tokens
        if of_keys is not keys or len(tokens) >= _MOST:
            tokens = {}
            self._tokens = keys, tokens
        token = tokens.get(header)
        if token is None:
            token = read_token(self._broker, header.removeprefix(_BEARER))
            if token is None or token.grant_id is not None or SCOPE not in token.scope.split():
                return None
            tokens[header] = token
        return token

    def _meet(self, client_id: str) -> _Known | None:
        """Read a client that is active; its row's MAC is what is compared from then on."""
        with self._broker.database.reading() as tx:
            client, version = find_client(tx, client_id), version_of(tx, client_id)
        if client is None or version is None or not client.active:
            return None
        if len(self._clients) >= _MOST:
            self._clients.clear()
        self._clients[client_id] = _Known(version, client)
        return self._clients[client_id]


def _is_usual(environ: WSGIEnvironment) -> bool:
    length = environ.get("CONTENT_LENGTH") or ""
    return (
        environ["REQUEST_METHOD"] == "POST"
        and environ.get("CONTENT_TYPE") == "application/json"
        and environ.get("HTTP_AUTHORIZATION", "").startswith(_BEARER)
        and not environ.get("HTTP_CONTENT_ENCODING")
        and length.isdecimal()
        and int(length) <= _LONGEST
    )
