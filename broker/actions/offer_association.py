"""A client offers an association without consent: put to the terms, and kept with a signed statement if they accept.

A no is a value here, and commits: a pair that was offered under a refused origin stays refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from broker.actions.broker import Broker
from broker.actions.gather_facts import Pair, Question, is_tainted, taint
from broker.actions.state_provenance import Statement, state_provenance
from broker.actions.terms import found_facts, screen_purpose
from broker.core.case import Case
from broker.core.client import Client
from broker.core.decide import Ruling, rule
from broker.core.evidence import DIRECT, ORIGINS, REFUSED_ORIGINS, SOURCES, TAGS, Provenance
from broker.core.match import Ground
from broker.core.purposes import known_family, purpose_family
from broker.core.screening import channel_is_refused, host_is_guarded, screen_source, screen_text, source_is_open
from broker.errors import BrokerError
from broker.store.grounds import grounds_of_pair, same_ground, save_ground
from broker.store.routes import ASSOCIATION, add_route
from broker.store.transaction import Transaction

#: Associations of one pair: each is looked at in every match.
_MOST = 16


class TooManyGrounds(BrokerError):
    """A pair rests on more tags than anybody needs."""

    type = "too-many-associations"
    title = "This pair has too many associations"
    status = 409


@dataclass(frozen=True, kw_only=True)
class Offer:
    """An association as a client offers it: the pair by digest, the pair as it was named, and the tag."""

    client: Client
    pair: Pair
    question: Question
    tag: Provenance


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What the terms said of an account; ``ground`` is on record exactly if they permitted."""

    ruling: Ruling
    ground: Ground | None
    account: bytes


def offer_association(tx: Transaction, broker: Broker, offer: Offer) -> Outcome:
    """Put *offer* to the terms, and keep what they accept; the same tag again keeps nothing new."""
    case = _case(broker, offer.client, offer.tag, tainted=is_tainted(tx, broker, offer.pair))
    ruling = rule(case, broker.policies.governing(offer.question.platform))
    if _is_refused_origin(case):
        taint(tx, broker, offer.pair, origin=_origin(broker, offer.tag), clause=" ".join(ruling.clauses))
    ground = _kept(tx, broker, offer, ruling) if ruling.permitted else None
    return Outcome(ruling=ruling, ground=ground, account=offer.pair.association.account)


def _case(broker: Broker, client: Client, tag: Provenance, *, tainted: bool) -> Case:
    narrower, source = client.registration.narrower, tag.source
    known = {purpose for purpose in tag.expected_purposes if known_family(purpose, narrower)}
    return Case(
        act="associate",
        words={
            **_spoken_of(broker, tag, narrower),
            "provenance-tag": frozenset({tag.tag if tag.tag in TAGS else "other"}),
            "provenance-origin": frozenset({_origin(broker, tag)}),
            "provenance-source": frozenset({source.kind if source and source.kind in SOURCES else "none"}),
            "purpose": frozenset().union(*(purpose_family(purpose, narrower) for purpose in tag.expected_purposes)),
        },
        marks={
            "evidence-complete": tag.complete and not _of_the_future(broker, tag),
            "expectation-stated": bool(tag.expected_purposes) and known == set(tag.expected_purposes),
            "source-open": _is_open(broker, tag),
            "pair-tainted": tainted,
        },
    )


def _origin(broker: Broker, tag: Provenance) -> str:
    """Where the information came from, by its own word, by a tag or a channel that is the name of a refused origin."""
    if tag.tag in REFUSED_ORIGINS:
        return tag.tag
    if tag.channel and channel_is_refused(tag.channel, broker.screen):
        return "third_party"
    return tag.origin if tag.origin in ORIGINS else "other"


def _is_refused_origin(case: Case) -> bool:
    return case.marks["source-open"] is False or case.names("provenance-origin") != {DIRECT}


def _spoken_of(broker: Broker, tag: Provenance, narrower: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """What the source shows of whoever is found there, and what the names of purposes and the channel speak of."""
    read = [found_facts(screen_purpose(broker, purpose, narrower)) for purpose in tag.expected_purposes]
    read.append(found_facts(screen_text(tag.channel or "", broker.screen)))
    cited = tag.source.cited if tag.source else None
    shown = screen_source(cited, broker.screen) if cited else frozenset()
    return {
        "sensitive": shown.union(*(facts["sensitive"] for facts in read)),
        "use": frozenset().union(*(facts["use"] for facts in read)),
    }


def _is_open(broker: Broker, tag: Provenance) -> bool:
    """Whether what the tag cites is open to everybody; what the person was told is at least nobody's who is guarded."""
    cited = tag.source.cited if tag.source else None
    told = tag.disclosure.url if tag.disclosure else None
    if told and host_is_guarded(told, broker.screen):
        return False
    return not cited or source_is_open(cited, broker.screen)


def _of_the_future(broker: Broker, tag: Provenance) -> bool:
    now = broker.now()
    dates = (tag.collected_at, tag.source.retrieved_at if tag.source else None)
    return any(date is not None and date > now for date in dates)


def _kept(tx: Transaction, broker: Broker, offer: Offer, ruling: Ruling) -> Ground:
    """The ground on record for this tag: a new one with its statement, or the one that was there first."""
    pair, tag = offer.pair.association, offer.tag
    digest = broker.blinder.tag(pair.client_id, json.dumps(tag.stated(), sort_keys=True, ensure_ascii=False))
    ground = Ground(
        association_id=broker.new_id(),
        basis=ruling.basis or tag.tag,
        from_platform=tag.source is not None and tag.source.kind == "platform",
        expected_purposes=tag.expected_purposes,
        statement_id=broker.new_id(),
        account=pair.account,
    )
    while True:
        # Whoever holds the same tag may give it up between the two statements: then it is free for this one.
        known = same_ground(tx, pair, known_as=offer.pair.known_as, tag=digest)
        if known is not None:
            return known
        if len(grounds_of_pair(tx, pair, known_as=offer.pair.known_as)) >= _MOST:
            raise TooManyGrounds(f"this pair has {_MOST} associations already; give one up first")
        if save_ground(tx, pair, ground, tag=digest, now=broker.now()):
            break
    statement = Statement(client=offer.client, question=offer.question, tag=tag, ground=ground, clauses=ruling.clauses)
    state_provenance(tx, broker, pair.account, statement)
    add_route(tx, ASSOCIATION, ground.association_id, account=pair.account, target=ground.association_id)
    return ground
