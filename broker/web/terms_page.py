"""A policy document as it is read: by family, each clause once, with everything that it decides."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from broker.core.policy import Clause, Policy
from broker.web.terms_words import Rule, family_of, family_title, rule_words, verdict_words

_PARTS = re.compile(r"[0-9]+|[^0-9]+")
_CATEGORY = "."
#: Before every number and every letter.
_END = -2


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """What a clause says, and every rule that says it."""

    verdict: str
    forbids: bool
    says: str
    source: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A clause with all its sentences, in the document's order."""

    id: str
    sentences: tuple[Sentence, ...]


@dataclass(frozen=True, kw_only=True)
class Family:
    """The clauses whose ids begin alike; ``title`` is None where only the document knows what they are about."""

    id: str
    title: str | None
    entries: tuple[Entry, ...]


def families(policy: Policy) -> list[Family]:
    """The document by family, in the order in which they first appear; the clauses of one by their numbers."""
    found: dict[str, dict[str, list[Clause]]] = {}
    for clause in policy.clauses:
        found.setdefault(family_of(clause.id), {}).setdefault(clause.id, []).append(clause)
    return [
        Family(
            id=family,
            title=family_title(family),
            entries=tuple(Entry(id=name, sentences=_sentences(of[name])) for name in sorted(of, key=_by_number)),
        )
        for family, of in found.items()
    ]


def _sentences(clauses: Iterable[Clause]) -> tuple[Sentence, ...]:
    """Rules that say the same of the same place are one sentence."""
    said: dict[tuple[str, str, str], list[Clause]] = {}
    for clause in clauses:
        said.setdefault((verdict_words(clause), clause.says, clause.source), []).append(clause)
    return tuple(
        Sentence(
            verdict=verdict,
            forbids=rules[0].basis is None,
            says=says,
            source=source,
            rules=tuple(rule_words(clause) for clause in rules),
        )
        for (verdict, says, source), rules in said.items()
    )


def _by_number(clause_id: str) -> list[tuple[int, str]]:
    """Order MATCH-2 before MATCH-10, and MATCH-4 before MATCH-4a; categories stay as the document lists them."""
    number, categorised, _category = clause_id.partition(_CATEGORY)
    parts = [(int(part), "") if part.isdigit() else (-1, part) for part in _PARTS.findall(number)]
    return [*parts, (_END, categorised)]
