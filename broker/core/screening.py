"""Screening what a client writes or cites against what no consent lifts.

A text is brought to one spelling. A topic near an act that draws conclusions is a finding; a topic beside a weaker act,
a hint beside an act, a finding that is denied, and a text that cannot be read are doubts, for an operator to settle.
Phrases that leave no doubt are findings by themselves. The words stand in a document
(``broker/policies/screening.toml``); nothing here knows a language.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

from broker.core.spelling import (
    Place,
    Stem,
    address,
    any_of,
    decoded,
    places,
    spelled,
    unreadable,
    ways_to_read,
    without,
)

#: The eight categories of SENSITIVE-1, by the ids of their clauses.
SENSITIVE = ("health", "financial", "politics", "ethnicity", "religion", "sexuality", "union", "crime")
#: The uses of MEASURE and SURVEILLANCE.
USES = ("measuring", "surveillance", "tracking", "groups", "vetting", "risk", "profiling", "faces")
CATEGORIES = (*SENSITIVE, *USES)
#: Under this name stands the doubt about a text that no word list can read.
UNREADABLE = "unreadable"

#: How far an act may stand from its topic in a finding, and a denial from what it denies, in letters.
_NEAR, _DENIES = 80, 60
#: A text of so few words is a name.
_NAME = 6
#: A name that anybody's resolver knows: two labels or more, the last of letters.
_HOSTS = re.compile(r"(?:[a-z0-9_-]+\.)+[a-z][a-z0-9-]+")
_GENERAL = re.compile(r"(?:[a-z0-9_-]+\.)+(?!local$|localhost$|internal$|lan$|home$|onion$)[a-z][a-z0-9-]+")


@dataclass(frozen=True, kw_only=True)
class Lexicon:
    """The words of one category, strongest first; ``benign`` ones are taken out of the text before it is read."""

    phrases: tuple[Stem, ...]
    names: tuple[Stem, ...]
    topics: tuple[Stem, ...]
    hints: tuple[Stem, ...]
    acts: tuple[Stem, ...]
    weak_acts: tuple[Stem, ...]
    benign: tuple[Stem, ...]
    sources: tuple[Stem, ...] = ()
    source_hints: tuple[Stem, ...] = ()
    source_benign: tuple[Stem, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Screen:
    """Every category's words, the words common to all, and what tells a guarded source."""

    lexicons: Mapping[str, Lexicon]
    acts: tuple[Stem, ...]
    weak_acts: tuple[Stem, ...]
    denials: tuple[Stem, ...]
    benign: tuple[Stem, ...]
    everyday: frozenset[str]
    lookalikes: Mapping[int, int]
    gatherings: tuple[Stem, ...]
    professional: tuple[Stem, ...]
    guarded_hosts: tuple[str, ...]
    guarded_words: tuple[Stem, ...]
    guarded_benign: tuple[Stem, ...]
    refused_channels: tuple[Stem, ...]


@dataclass(frozen=True, kw_only=True)
class Screening:
    """What was found in a text, and what is doubtful: categories, each with the words that raised it."""

    found: Mapping[str, str]
    doubtful: Mapping[str, str]


def screen_text(text: str, screen: Screen) -> Screening:
    """Screen a statement, or a name."""
    found: dict[str, str] = {}
    doubtful: dict[str, str] = {}
    plain = spelled(text, screen.lookalikes)
    if why := unreadable(plain, screen.everyday):
        doubtful[UNREADABLE] = why
    for words in ways_to_read(plain):
        for name, lexicon in screen.lexicons.items():
            finding, doubt = _judge(words, lexicon, screen, is_name=len(words.split()) <= _NAME)
            if finding:
                found.setdefault(name, finding)
            if doubt:
                doubtful.setdefault(name, doubt)
    return Screening(found=found, doubtful={name: why for name, why in doubtful.items() if name not in found})


def screen_source(url: str, screen: Screen) -> frozenset[str]:
    """The sensitive categories that a public source reveals about whoever is found there, by its address."""
    words = address(url, screen.lookalikes)
    # The end of an address is its writer's to choose, and excuses nothing: the host tells, or what follows it at once.
    begin = "/".join(re.split(r"[?#;]", url.split("//", 1)[-1], maxsplit=1)[0].split("/")[:3])
    excused = any_of(address(begin, screen.lookalikes), screen.professional)
    return frozenset(name for name in SENSITIVE if _reveals(words, screen.lexicons[name], screen, excused=excused))


def source_is_open(url: str, screen: Screen) -> bool:
    """Whether a source is generally available: no people-search broker, leak, paste or login stands before it.

    Nor is an address that only a few networks know: a number, or a name of one label.
    """
    if host_is_guarded(url, screen) or not _GENERAL.fullmatch(_host(url)):
        return False
    return not any_of(without(address(url, screen.lookalikes), screen.guarded_benign), screen.guarded_words)


def host_is_guarded(url: str, screen: Screen) -> bool:
    """Whether an address is one that nobody may take evidence from, or holds such a one within it."""
    hosts = _HOSTS.findall(decoded(url).lower())
    return any(f".{host}".endswith(f".{guarded}") for host in hosts for guarded in screen.guarded_hosts)


def channel_is_refused(channel: str, screen: Screen) -> bool:
    """Whether the name of a channel says that the person gave nothing: a list that was bought, a broker, a guess."""
    return any(any_of(words, screen.refused_channels) for words in ways_to_read(spelled(channel, screen.lookalikes)))


def _host(url: str) -> str:
    authority = re.split(r"[/?#\\]", url.split("//", 1)[-1], maxsplit=1)[0]
    return authority.rsplit("@", 1)[-1].split(":", 1)[0].lower().rstrip(".")


def _judge(words: str, lexicon: Lexicon, screen: Screen, *, is_name: bool) -> tuple[str | None, str | None]:
    """What is found and what is doubtful under one category."""
    words = without(words, (*screen.benign, *lexicon.benign))
    at = {name: list(places(words, getattr(lexicon, name))) for name in ("phrases", "names", "topics", "hints")}
    if not any(at.values()):
        return None, None
    acts, denials = list(places(words, (*lexicon.acts, *screen.acts))), list(places(words, screen.denials))
    mild = list(places(words, (*lexicon.weak_acts, *screen.weak_acts)))
    findings = [(place, place, why) for place, why in at["phrases"]]
    findings += _pairs(words, at["names"] + at["topics"], acts, _NEAR)
    weak = _pairs(words, at["topics"], acts + mild + at["topics"], len(words))
    weak += _pairs(words, at["hints"], acts, len(words))
    firm = (why for first, last, why in findings if not _denied(first, last, words, denials))
    doubts = (why for first, last, why in weak if not _denied(first, last, words, denials))
    held = [why for *_, why in findings] + [why for _, why in at["names"] + at["topics"] * is_name]
    return next(firm, None), next(iter(held), None) or next(doubts, None)


def _pairs(words: str, topics: list[Place], acts: list[Place], near: int) -> list[tuple[int, int, str]]:
    """Each topic with each act near it, in another word: where the two begin, and both."""
    return [
        (first, last, f"{topic}, {act}")
        for (at, topic), (by, act) in product(topics, acts)
        for (first, earlier), (last, _) in [sorted([(at, topic), (by, act)])]
        if len(earlier.strip("=*")) <= last - first <= near and " " in words[first + 1 : last + 1]
    ]


def _denied(first: int, last: int, words: str, denials: list[Place]) -> bool:
    """Whether a denial stands near either end, in the same sentence."""
    return any(
        abs(at - end) <= _DENIES and "|" not in words[min(at, end) : max(at, end)]
        for (at, _), end in product(denials, (first, last))
    )


def _reveals(words: str, lexicon: Lexicon, screen: Screen, *, excused: bool) -> bool:
    words = without(words, lexicon.source_benign)
    gathered = any_of(words, lexicon.source_hints) and any_of(words, screen.gatherings)
    return (gathered and not excused) or any_of(words, lexicon.sources)
