"""Face 2 on its shortest way: ``POST /v1/match`` as nearly all of them come, answered in front of Flask.

Whatever is not as usual (a tag, a handle, an escape, a token that does not stand, a header that says something else)
goes on to the view as it came, which says what is wrong with it. The two give the same answers (tests/web/test_quick).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from io import BytesIO
from time import monotonic, perf_counter
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from broker.actions.answer_questions import NeedsMore
from broker.actions.broker import Broker
from broker.actions.sort_questions import Sort
from broker.core.budget import Allowance
from broker.core.client import Standing
from broker.core.identifiers import read_value
from broker.core.sheet import Outcome
from broker.errors import TooManyRequests, Unavailable
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
from broker.web.batch_reading import Item, read_plain
from broker.web.batch_text import answer_text
from broker.web.batch_wire import LONGEST_VALUE
from broker.web.lanes import KnownClient
from broker.web.problems import REQUEST_ID
from broker.web.ratelimit import left_text, policy_text
from broker.web.readers import Readers
from broker.web.security import private_headers_of

PATH, SCOPE = "/v1/match", "match"
_BEARER = "Bearer "
#: Tokens and clients that are remembered; a token lives 300 s.
_MOST = 10_000
#: Random bytes of a request's name, and how many names are made at once.
_NAME_SIZE, _NAMES = 16, 64
#: Seconds for which the keys that tokens are verified by count as they were found.
_MOMENT = 0.02
#: Seconds for which a turn is waited for: where the database does not answer, nobody stands in line for it here.
_PATIENCE = 1.0
#: Bytes of a question: what is longer is seldom one.
_LONGEST = 4096


class Quick:
    """A WSGI application before another one."""

    def __init__(self, inner: WSGIApplication, broker: Broker, recorder: Recorder, readers: Readers) -> None:
        self._inner, self._broker, self._recorder, self._readers = inner, broker, recorder, readers
        self.looker = Looker(broker.database)
        self._ring, self._look_again = broker.keys, 0.0
        self._tokens: tuple[KeyRing, dict[str, AccessToken]] = self._ring, {}
        self._clients: dict[str, KnownClient] = {}
        self._names: list[str] = []
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
        whose = token.client_id if token else ""
        try:
            self._readers.enter(whose)
        except Unavailable:
            return self._inner(environ, start_response)
        try:
            raw = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        finally:
            self._readers.leave(whose)
        found = self._answer(token, raw) if not are_sent() else self._spanned(environ, token, raw)
        if found is None:
            environ["wsgi.input"] = BytesIO(raw)
            return self._inner(environ, start_response)
        answer, allowance = found
        given = environ.get("HTTP_X_REQUEST_ID", "")
        name = given if given and REQUEST_ID.fullmatch(given) else self._new_name()
        own = [("Content-Length", str(len(answer))), ("X-Request-ID", name)]
        if self._policy:
            left = left_text(allowance.limits, allowance.left)
            own += [*self._policy, *([("RateLimit", left)] if left else [])]
        start_response("200 OK", [*self._headers, *own])
        return [answer]

    def _new_name(self) -> str:
        """A name for a request: they are made in advance, many at once."""
        try:
            return self._names.pop()
        except IndexError:
            names = self._broker.random(_NAME_SIZE * _NAMES).hex()
            self._names += [names[at : at + 2 * _NAME_SIZE] for at in range(0, len(names), 2 * _NAME_SIZE)]
            return self._names.pop()

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
        if token is None:
            return None
        began, turn = perf_counter(), self.looker.turn
        if not turn.acquire(timeout=_PATIENCE):
            return None
        try:
            try:
                item = read_plain(raw)
                decided = self._decided(token, item) if item else None
            finally:
                turn.release()
            if decided is None:
                return None
            self._recorder.make_last(decided[0])
        except (Unavailable, NeedsMore, TooManyRequests):
            return None
        _recorded, text, outcome, allowance = decided
        self._tally.count(outcome, perf_counter() - began)
        return text, allowance

    def _decided(self, token: AccessToken, item: Item) -> tuple[Recorded, bytes, Outcome, Allowance] | None:
        known = self._clients.get(token.client_id) or self._meet(token.client_id)
        if known is None:
            return None
        account_id, record = item.account.id or "", item.identifier
        lane = known.lane(self._broker, Sort(item.account.platform, record.kind, record.type, item.purpose or ""))
        if lane is None or not lane.is_id(account_id) or len(record.value) > LONGEST_VALUE:
            return None
        value = read_value(record.type, record.value)
        if value is None:
            return None
        # Before the look: whatever it sees was so by then, or has begun since.
        now = self._broker.now()
        account, identifier, at = lane.account(account_id), lane.identifier(value), in_microseconds(now)
        look = self.looker.look(token.client_id, token.token_id, account, identifier)
        if look is None or not self._may_call(known, token, look, now):
            return None
        said, names = known.ruled(self._broker, lane, look, at, account_id=account_id, value=value)
        if given_at(names) > at:
            return None  # given since: no answer is older than what it rests on
        missed = not said.decision.permitted and not look.known
        # Last, when nothing is left to the view any more: it would count the question once more.
        allowance = self._broker.budgets.take(token.client_id, requests=1, items=1, misses=int(missed))
        answer = Answer(at, account, identifier, said.outcome, names.split(" ", 2)[1] if names else None)
        recorded = self._recorder.record(token.client_id, answer)
        text = answer_text(said.parts, recorded.decision_id, self._moment(now), names)
        return recorded, text.encode(), said.outcome, allowance

    def _may_call(self, known: KnownClient, token: AccessToken, look: Look, now: datetime) -> bool:
        """Whether the client and its token stand, as they were read with the question; else the view says why not."""
        if look.version != known.version:
            self._clients.pop(token.client_id, None)
            return False
        stands = look.standing == Standing.ACTIVE.value and look.standing_number == token.standing_number
        return stands and not look.revoked and token.expires_at > int(now.timestamp())

    def _moment(self, now: datetime) -> str:
        """As on the wire, where it is of one second for a while."""
        second, text = self._second
        if second != now.replace(microsecond=0):
            second, text = now.replace(microsecond=0), timestamp(now)
            self._second = second, text
        return text

    def _token(self, header: str) -> AccessToken | None:
        """A token of ours that is good for a match; it may have ended since."""
        keys = self._keys()
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

    def _keys(self) -> KeyRing:
        """The keys as they are, or were a moment ago: to look at their file takes as long as to read the question."""
        if monotonic() >= self._look_again:
            self._ring, self._look_again = self._broker.keys, monotonic() + _MOMENT
        return self._ring

    def _meet(self, client_id: str) -> KnownClient | None:
        """Read a client that is active; its row's MAC is what is compared from then on."""
        with self._broker.database.reading() as tx:
            client, version = find_client(tx, client_id), version_of(tx, client_id)
        if client is None or version is None or not client.active:
            return None
        if len(self._clients) >= _MOST:
            self._clients.clear()
        self._clients[client_id] = KnownClient(version, client)
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
