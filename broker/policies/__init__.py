"""The rules as documents: one TOML file per platform's terms, in our own words, with a pointer to the source."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from broker.core.notice import Meanings, parse_meanings
from broker.core.policy import Policy, parse_policy
from broker.core.screening import CATEGORIES, Lexicon, Screen
from broker.core.spelling import Stem, read_stem
from broker.errors import PolicyDefect

SHIPPED = Path(__file__).parent
#: The terms that hold for a platform which has no document of its own.
FALLBACK = "x"
#: Beside the terms: what the notice means, in numbers.
MEANINGS = "meanings.toml"
#: The languages that statements are screened in, and the lists that each category has in both.
TONGUES = ("en", "de")
LISTS = ("phrases", "names", "topics", "hints", "acts", "weak_acts", "benign")


@dataclass(frozen=True)
class Policies:
    """The documents in force by platform, and their texts by digest; what the notice means beside them."""

    by_platform: Mapping[str, Policy]
    texts: Mapping[str, str] = field(default_factory=dict, repr=False)
    meanings: Meanings = field(default_factory=Meanings)

    def governing(self, platform: str) -> Policy:
        """The document for *platform*; the strictest we know where it has none of its own."""
        return self.by_platform.get(platform) or self.by_platform[FALLBACK]


def load_policy(path: Path) -> Policy:
    """Read one document strictly; its digest is that of the bytes on disk."""
    return _load(path)[0]


def read_policy(text: str) -> Policy:
    """Read a document that was kept as text; its digest is that of its bytes."""
    return parse_policy(tomllib.loads(text), digest=f"sha256:{hashlib.sha256(text.encode()).hexdigest()}")


def _load(path: Path) -> tuple[Policy, str]:
    try:
        text = path.read_bytes().decode()
        return read_policy(text), text
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PolicyDefect(f"{path.name} is not TOML: {error}") from error
    except PolicyDefect as error:
        raise PolicyDefect(f"{path.name}: {error.detail}") from error


def load_policies(folder: Path = SHIPPED) -> Policies:
    """Read every document of *folder*; two for one platform, or none for the fallback, are refused."""
    loaded = [_load(path) for path in sorted(folder.glob("*-terms.toml"))]
    by_platform = {policy.platform: policy for policy, _text in loaded}
    if len(by_platform) != len(loaded):
        raise PolicyDefect(f"{folder} holds two documents for one platform")
    if FALLBACK not in by_platform:
        raise PolicyDefect(f"{folder} holds no document for {FALLBACK!r}")
    texts = {policy.ref.digest: text for policy, text in loaded}
    return Policies(by_platform, texts, meanings=load_meanings(folder / MEANINGS))


def load_meanings(path: Path = SHIPPED / MEANINGS) -> Meanings:
    """Read what the notice means. A folder that says nothing of it leaves it as shipped: so are the words."""
    found = path if path.exists() else SHIPPED / MEANINGS
    try:
        return parse_meanings(tomllib.loads(found.read_bytes().decode()))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PolicyDefect(f"{found.name} is not TOML: {error}") from error
    except PolicyDefect as error:
        raise PolicyDefect(f"{found.name}: {error.detail}") from error


@cache
def load_screen(path: Path = SHIPPED / "screening.toml") -> Screen:
    """Read the words that statements and sources are screened for; a list that is missing or unknown is refused.

    Each file is read once a process: eight thousand words take as long as ten requests.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        letters = document.pop("lookalikes")
        screen = Screen(
            lexicons={name: _lexicon(document.pop(name)) for name in CATEGORIES},
            **{
                name: _stems(*(document[name].pop(tongue) for tongue in TONGUES))
                for name in ("acts", "weak_acts", "denials", "benign")
            },
            everyday=frozenset(word for tongue in TONGUES for word in document["everyday"].pop(tongue)),
            lookalikes=str.maketrans(letters["from"], letters["to"]),
            gatherings=_stems(document["sources"].pop("gatherings")),
            professional=_stems(document["sources"].pop("professional")),
            guarded_hosts=tuple(document["sources"].pop("guarded_hosts")),
            guarded_words=_stems(document["sources"].pop("guarded_words")),
            guarded_benign=_stems(document["sources"].pop("guarded_benign")),
            refused_channels=_stems(document["sources"].pop("refused_channels")),
        )
        if unknown := [name for name, rest in document.items() if rest]:
            raise KeyError(*unknown)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, LookupError, TypeError, ValueError) as error:
        raise PolicyDefect(f"{path.name}: the words to screen for cannot be read ({error!r})") from error
    return screen


def _lexicon(section: dict[str, dict[str, list[str]]]) -> Lexicon:
    """One category's lists, those of the languages put together."""
    sources = section.pop("sources", {"reveals": [], "hints": [], "benign": []})
    tongues = [section.pop(tongue) for tongue in TONGUES]
    lists = {name: _stems(*(tongue.pop(name, []) for tongue in tongues)) for name in LISTS}
    if unknown := [*section, *(name for tongue in tongues for name in tongue)]:
        raise KeyError(*unknown)
    return Lexicon(
        **lists,
        sources=_stems(sources["reveals"]),
        source_hints=_stems(sources["hints"]),
        source_benign=_stems(sources["benign"]),
    )


def _stems(*lists: list[str]) -> tuple[Stem, ...]:
    return tuple(read_stem(written) for entries in lists for written in entries)
