"""Questions without a tag: what is known is read for all of them at once, then each is decided."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from broker.actions.broker import Broker
from broker.actions.gather_facts import Question, gather_facts, pair_of
from broker.actions.terms import found_facts, screen_purpose
from broker.core.blinding import DIGEST_SIZE
from broker.core.caution import EVERYONE, NO_CAUTION, Caution
from broker.core.client import Client
from broker.core.decide import decide
from broker.core.identifiers import Association, PlatformAccount
from broker.core.match import Decision, Facts, MatchRequest
from broker.store.consents import accounts_held
from broker.store.pairs import (
    PairFound,
    PairLine,
    caution_key,
    cautions_of,
    consents_in,
    grounds_in,
    in_microseconds,
    names_of,
    pair_rows,
)
from broker.store.people import Bearer, bearers_of
from broker.store.transaction import Transaction


class Named(NamedTuple):
    """A question and its digests, as far as its client may resolve it: see :class:`Pair`.

    ``account`` and ``identifier`` are what the answer is about, ``person`` whose will counts, ``prover`` who is known
    under all the names that count, ``also`` a name under which the client may have stated something as well.
    """

    question: Question
    account: bytes
    identifier: bytes
    person: bytes
    prover: bytes
    also: bytes | None = None
    current: bool = True
    unresolved: bool = False

    @property
    def keys(self) -> tuple[bytes, ...]:
        """Under which what is known of the pair lies."""
        return tuple(name + self.identifier for name in (self.account, self.also) if name)


#: Different circumstances that are remembered of a client; it has a few dozen.
_MOST_SHARED = 10_000


class NeedsMore(Exception):
    """A question cannot be decided from what was read for it."""


class Ruled(NamedTuple):
    """What the terms said, and the name of the consent or ground that it rests on: see :func:`names_of`.

    The decision is shared with others that turn on the same; its consent and ground are left out.
    """

    decision: Decision
    names: str


def name_all(tx: Transaction, broker: Broker, client: Client, questions: Sequence[Question]) -> list[Named]:
    """Return *questions* with their digests. A handle resolves within the client's own grants only."""
    blinder, environment = broker.blinder, client.registration.environment
    accounts = [
        blinder.handle(question.platform, question.handle or "", environment=environment)
        if question.account_id is None
        else blinder.account(
            PlatformAccount(platform=question.platform, id=question.account_id), environment=environment
        )
        for question in questions
    ]
    identifiers = [blinder.identifier(client.client_id, question.identifier) for question in questions]
    by_handle = [account for account, asked in zip(accounts, questions, strict=True) if asked.account_id is None]
    bearers = bearers_of(tx, by_handle) if by_handle else {}
    whom = {_person(handle, bearers.get(handle)) for handle in by_handle}
    own = accounts_held(tx, whom, client.client_id) if by_handle else frozenset()
    return [
        Named(question, account, identifier, account, account)
        if question.account_id is not None
        else _by_handle(question, account, identifier, bearers.get(account), own)
        for question, account, identifier in zip(questions, accounts, identifiers, strict=True)
    ]


def _person(handle: bytes, bearer: Bearer | None) -> bytes:
    return bearer.account if bearer and bearer.held else handle


def _by_handle(
    question: Question, handle: bytes, identifier: bytes, bearer: Bearer | None, own: frozenset[bytes]
) -> Named:
    person = _person(handle, bearer)
    known = person in own
    return Named(
        question,
        person if known else handle,
        identifier,
        person,
        prover=bearer.account if bearer else handle,
        also=handle if known and person != handle else None,
        current=bearer is None or bearer.held,
        unresolved=not known,
    )


def rule_one(tx: Transaction, broker: Broker, client: Client, asked: Named) -> Decision:
    """Decide one question; the decision holds the consent or the ground that it rests on."""
    return sit(tx, broker, client, pairs=pairs_of([asked]), people=people_of([asked])).decide(asked)


def pairs_of(questions: Sequence[Named]) -> list[bytes]:
    """The pairs of which everything that is known counts."""
    return [key for asked in questions for key in asked.keys]


def people_of(questions: Sequence[Named]) -> list[bytes]:
    """The accounts of which everything that speaks for caution counts."""
    return [who for asked in questions for who in (asked.person, asked.prover)]


def sit(
    tx: Transaction, broker: Broker, client: Client, *, pairs: Sequence[bytes], people: Collection[bytes]
) -> Sitting:
    """Read all that is known of these *pairs*, by their keys, and *people*."""
    cautions = cautions_of(tx, people, (EVERYONE, client.client_id))
    return Sitting(broker, client, pair_rows(tx, pairs), cautions, tx=tx)


class Sitting:
    """One client's questions at one moment, and all that is known for them.

    ``found`` is of each pair its row as the database gives it: see :func:`pair_rows`. ``cautioned`` are the people of
    whom anything is known besides; ``moment`` is in microseconds since 1970. Without a transaction nothing more can be
    read: a question that needs it raises :class:`NeedsMore`.

    What the terms said of the same circumstances is *shared*, with other sittings of the same client too, as long as
    its registration stays: the circumstances hold all that the terms look at, and nothing in them says whose they are.
    """

    def __init__(
        self,
        broker: Broker,
        client: Client,
        found: Mapping[bytes, PairFound],
        cautions: Mapping[bytes, Caution],
        *,
        tx: Transaction | None = None,
        shared: dict[Hashable, Decision] | None = None,
    ) -> None:
        self._tx, self._broker, self._client = tx, broker, client
        self._now = broker.now()
        self.moment = in_microseconds(self._now)
        self.found, self._cautions = found, cautions
        self.cautioned = {key[:DIGEST_SIZE] for key in cautions}
        self._shared = {} if shared is None else shared

    def rule(self, asked: Named) -> Ruled:
        """Decide; what the decision rests on is told by its name."""
        row = self.found.get(asked.account + asked.identifier)
        if asked.question.account_id is None or (row and not row[3]) or self._is_elsewhere(asked):
            decision = self.decide(asked)
            return Ruled(bare(decision), names_of(decision))
        turns_on = self._turns_on(asked, row)
        if turns_on not in self._shared:
            if len(self._shared) >= _MOST_SHARED:
                self._shared.clear()
            self._shared[turns_on] = bare(self.decide(asked))
        decision = self._shared[turns_on]
        return Ruled(decision, row[2] if row and decision.permitted else "")

    def _turns_on(self, asked: Named, row: PairFound | None) -> Hashable:
        """All that the terms are asked about, but for which consent it is and its dates: those count for nothing.

        What others have said of the account is in it too: to be decided anew for that would take longer, and tell.
        """
        question = asked.question
        shape, over = (row[1], row[3] <= self.moment) if row else ("", False)
        plain = (question.platform, question.purpose, question.identifier.kind, shape, over)
        if asked.account not in self.cautioned:
            return plain
        of_all, ours = (self._caution(asked.account, whose) for whose in (EVERYONE, self._client.client_id))
        objected = (of_all.objected_at or ours.objected_at) is not None
        presence = of_all.presence.gone, of_all.presence.protected
        return (*plain, objected, of_all.signalled_at is not None, *presence, ours.said_no, self._is_tainted(asked))

    def decide(self, asked: Named) -> Decision:
        """Put one question to the terms."""
        question, client_id = asked.question, self._client.client_id
        association = Association(client_id=client_id, account=asked.account, identifier=asked.identifier)
        request = MatchRequest(association=association, purpose=question.purpose, kind=question.identifier.kind)
        facts = self._gathered(asked) if self._is_elsewhere(asked) else self._facts(asked)
        return decide(request, facts, self._broker.policies.governing(question.platform))

    def _is_elsewhere(self, asked: Named) -> bool:
        """Whether the client stated something under another name that it may know: that is seldom, and read whole."""
        if asked.question.account_id is not None:
            return self._caution(asked.person, self._client.client_id).elsewhere
        line = self._line(asked.also + asked.identifier) if asked.also else None
        return line is not None and bool(line.names)

    def _line(self, key: bytes) -> PairLine | None:
        row = self.found.get(key)
        return PairLine(row[1], row[2], row[3]) if row else None

    def _gathered(self, asked: Named) -> Facts:
        if self._tx is None:
            raise NeedsMore
        pair = pair_of(self._tx, self._broker, self._client, asked.question)
        return gather_facts(self._tx, self._broker, self._client, pair, asked.question.purpose, now=self._now)

    def _facts(self, asked: Named) -> Facts:
        purpose, client = asked.question.purpose, self._client
        narrower, client_id = client.registration.narrower, client.client_id
        line = self._line(asked.account + asked.identifier)
        of_all, ours = self._caution(asked.person, EVERYONE), self._caution(asked.person, client_id)
        own = {"account": asked.account, "identifier": asked.identifier}
        return Facts(
            now=self._now,
            declared_purposes=frozenset(client.registration.purposes),
            narrower=narrower,
            spoken_of=found_facts(screen_purpose(self._broker, purpose, narrower)),
            meaning=self._broker.policies.meanings.of(purpose, narrower),
            consents=consents_in(line, client_id=client_id, **own) if line else (),
            grounds=grounds_in(line, account=asked.account) if line and asked.current else (),
            objected_at=max((at for at in (of_all.objected_at, ours.objected_at) if at), default=None),
            signalled_at=of_all.signalled_at,
            said_no=ours.said_no,
            tainted=self._is_tainted(asked),
            presence=of_all.presence,
        )

    def _is_tainted(self, asked: Named) -> bool:
        tainted = self._caution(asked.prover, EVERYONE).tainted | self._caution(asked.person, EVERYONE).tainted
        record, blind = asked.question.identifier.folded(), self._broker.blinder.tainted_pair
        return any(blind(self._client.client_id, under, record) == pair for under, pair in tainted)

    def _caution(self, account: bytes, whose: str) -> Caution:
        return self._cautions.get(caution_key(account, whose), NO_CAUTION)


def bare(decision: Decision) -> Decision:
    """A decision as others may have it in common: without its consent and its ground."""
    return replace(decision, consent=None, ground=None)
