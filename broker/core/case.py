"""One question to the terms, as the facts about it: words and marks, and nothing that is fetched later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is about to be done, and what is known of it.

    ``words`` are facts that have names (a purpose, a status), ``marks`` those that are true or false. A fact that is
    not there is not known, and no condition about it holds. ``reasons`` says, for a fact, why a denial that turns on
    it is given, where that depends on the fact's value.
    """

    act: str
    words: Mapping[str, frozenset[str]] = field(default_factory=dict)
    marks: Mapping[str, bool] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)

    def names(self, fact: str) -> frozenset[str]:
        """The values of a fact that has names."""
        return frozenset({self.act}) if fact == "act" else self.words.get(fact, frozenset())
