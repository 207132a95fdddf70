"""Mutants of what is disclosed: under a signature that is right, somebody is shown what nobody signed.

Left out by construction: fewer disclosures, or the same in another order. Showing less is what they are for.
"""

import hashlib
import json
from random import Random

from mutants.cases import Case, Layer
from mutants.changing import BASE64URL, another, bit_changed, json_changed, kind, with_evidence
from mutants.world import Specimen, World

from broker.proof.sdjwt import decode, disclose, encode

_NAMES = [
    "iss",
    "aud",
    "sub",
    "jti",
    "record",
    "statement",
    "_sd",
    "...",
    "exp",
    "account",
    "identifier",
    "__proto__",
    "age",
]


def _shown(rng: Random, world: World, it: Specimen, changed: str, at: int | None = None) -> Case | None:
    """A case with one disclosure exchanged, or one more."""
    genuine = set(it.claims["_sd"])
    shown = (*it.shown, changed) if at is None else (*it.shown[:at], changed, *it.shown[at + 1 :])
    if _digest(changed) in genuine:
        return None
    return with_evidence(rng, world, it, Layer.DISCLOSED, shown=shown)


def _digest(text: str) -> str:
    return encode(hashlib.sha256(text.encode()).digest())


@kind("a letter of a disclosure")
def letter(rng: Random, world: World, it: Specimen) -> Case | None:
    """One letter; also one that stands for no bits, since what is digested are letters."""
    at = rng.randrange(len(it.shown))
    text = it.shown[at]
    place = rng.randrange(len(text))
    return _shown(rng, world, it, text[:place] + rng.choice(BASE64URL) + text[place + 1 :], at)


@kind("a bit of a disclosure")
def bit(rng: Random, world: World, it: Specimen) -> Case | None:
    """One bit of salt, name or value."""
    at = rng.randrange(len(it.shown))
    return _shown(rng, world, it, encode(bit_changed(rng, decode(it.shown[at]))), at)


@kind("a disclosed value")
def value(rng: Random, world: World, it: Specimen) -> Case | None:
    """Another value, or name, under the old salt."""
    at = rng.randrange(len(it.shown))
    changed = json_changed(rng, json.loads(decode(it.shown[at])))
    raw = json.dumps(changed, ensure_ascii=False, separators=(",", ":")).encode()
    return _shown(rng, world, it, encode(raw), at)


@kind("a disclosure of another's")
def others(rng: Random, world: World, it: Specimen) -> Case | None:
    """Genuine, and signed elsewhere; one that says what is shown here anyway is no lie."""
    chosen = rng.choice(another(rng, world, it).disclosures)
    if (chosen.name, chosen.value) in [(entry.name, entry.value) for entry in it.disclosures]:
        return None
    return _shown(rng, world, it, chosen.encoded, rng.choice([None, *range(len(it.shown))]))


@kind("a disclosure that was made up")
def invented(rng: Random, world: World, it: Specimen) -> Case | None:
    """Of any name, that of a claim too."""
    content = rng.choice(["https://stranger.example", 17, None, {"id": "12", "handle": "joe"}, ["x"], {"_sd": []}])
    made = disclose(rng.choice(_NAMES), content, salt=rng.randbytes(16)).encoded
    return _shown(rng, world, it, made, rng.choice([None, *range(len(it.shown))]))


@kind("a disclosure that is cut")
def cut(rng: Random, world: World, it: Specimen) -> Case | None:
    """Its end or beginning is missing, or it has run into the next one."""
    at = rng.randrange(len(it.shown))
    text = it.shown[at]
    place = rng.randrange(1, len(text))
    return _shown(rng, world, it, rng.choice([text[:place], text[place:], text + text]), at)


@kind("a disclosure of another form")
def form(rng: Random, world: World, it: Specimen) -> Case | None:
    """Two members or four, an object, no text for a salt, no text for a name."""
    at = rng.randrange(len(it.shown))
    salt, name, content = json.loads(decode(it.shown[at]))
    forms = [
        [salt, content], [salt, name, content, content], {"salt": salt, "name": name, "value": content},
        [None, name, content], [salt, 7, content], [salt, name], [], None, [[salt, name, content]], salt,
    ]  # fmt: skip
    return _shown(rng, world, it, encode(json.dumps(rng.choice(forms)).encode()), at)
