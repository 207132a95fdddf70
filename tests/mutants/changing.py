"""Changes that mutants are made of: letters, bits, members of JSON. Each makes something that means another thing."""

import copy
import json
from base64 import urlsafe_b64decode
from collections.abc import Callable
from random import Random
from typing import Any

from mutants.cases import Case, Layer
from mutants.world import Specimen, World

from broker.proof.logproof import LogProof

BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
#: Makes a mutant of a specimen, or none where the change would have changed nothing.
Kind = Callable[[Random, World, Specimen], Case | None]
#: Kinds that programs of others judge too, and kinds that ours is alone with.
SHARED_KINDS: dict[str, Kind] = {}
OUR_KINDS: dict[str, Kind] = {}


def kind(name: str, *, ours: bool = False) -> Callable[[Kind], Kind]:
    """Enter a kind of mutant under its name."""

    def entered(make: Kind) -> Kind:
        (OUR_KINDS if ours else SHARED_KINDS)[name] = make
        return make

    return entered


def text_of(jwt: str, shown: tuple[str, ...]) -> str:
    """An SD-JWT as it travels."""
    return "~".join([jwt, *shown, ""])


def with_evidence(
    rng: Random,
    world: World,
    it: Specimen,
    breaks: Layer,
    *,
    jwt: str | None = None,
    shown: tuple[str, ...] | None = None,
) -> Case | None:
    """A case with another JWT or other disclosures, by itself or in a bundle with the genuine proof."""
    evidence = text_of(it.jwt if jwt is None else jwt, it.shown if shown is None else shown)
    if evidence == text_of(it.jwt, it.shown):
        return None
    if rng.random() < 0.5:
        return Case("", evidence, it.typ, world.jwks, world.vkeys, breaks)
    note = rng.choice(["both", "ed25519"])
    # The leaf is the JWT to the letter: another one is not in the log.
    logged = Layer.LOG if jwt not in {None, it.jwt} else Layer(0)
    file = world.bundle(evidence, world.proof(it, note=note))
    return Case("", file, it.typ, world.jwks, world.vkeys, breaks | logged)


def with_proof(world: World, it: Specimen, breaks: Layer, proof: LogProof | str | None) -> Case:
    """A case of genuine evidence with another proof."""
    file = world.bundle(text_of(it.jwt, it.shown), proof if isinstance(proof, LogProof) else None)
    if isinstance(proof, str):
        file = json.dumps({**json.loads(file), "proof": proof}, indent=1) + "\n"
    return Case("", file, it.typ, world.jwks, world.vkeys, breaks)


def another(rng: Random, world: World, it: Specimen) -> Specimen:
    """Another specimen."""
    return rng.choice([other for other in world.specimens if other is not it])


def letter_changed(rng: Random, text: str) -> str | None:
    """Base64url with one letter changed, or None when it stands for the same bytes."""
    at = rng.randrange(len(text))
    changed = text[:at] + rng.choice(BASE64URL) + text[at + 1 :]
    return changed if lax(changed) != lax(text) else None


def lax(text: str) -> bytes:
    """What a reader makes of base64url who ignores the bits that are left over."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def bit_changed(rng: Random, raw: bytes) -> bytes:
    """Bytes with one bit turned."""
    at = rng.randrange(len(raw))
    return raw[:at] + bytes([raw[at] ^ 1 << rng.randrange(8)]) + raw[at + 1 :]


def json_changed(rng: Random, value: Any) -> Any:  # noqa: ANN401 - JSON is what it is
    """JSON with one value in it changed, taken away, or added to."""
    changed = copy.deepcopy(value)
    holder, name = rng.choice(list(_places(changed)))
    choice = rng.random()
    if choice < 0.15 and isinstance(holder, dict):
        del holder[name]
    elif choice < 0.3 and isinstance(holder, dict):
        holder[f"{name}_2"] = holder[name]
    else:
        holder[name] = _other(rng, holder[name])
    return changed


def _places(value: Any) -> Any:  # noqa: ANN401
    for name in list(value) if isinstance(value, dict) else range(len(value)):
        yield value, name
        if isinstance(value[name], dict | list):
            yield from _places(value[name])


def _other(rng: Random, value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, bool) or value is None:
        return 1 if value else True
    if isinstance(value, int):
        return value + rng.choice([-1, 1, 3600, -86400, 10**6])
    if isinstance(value, str):
        at = rng.randrange(len(value) + 1)
        return value[:at] + rng.choice("aZ0 .é\u0000") + value[at:]
    return rng.choice([None, [], {}, "", [value]])
