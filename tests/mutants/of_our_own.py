"""Mutants that ours alone must find: of claims, of writing, of keys that none should bring. Our key signed some.

Programs of others read SD-JWTs and trees. They know no consent receipt, and some of them take several writings for one;
what they say here is not asked.
"""

import json
from base64 import b64encode
from dataclasses import replace
from random import Random
from typing import Any

from mutants.cases import Case, Layer
from mutants.changing import kind, text_of, with_evidence, with_proof
from mutants.world import Specimen, World
from vectors.bundles import ORIGIN
from vectors.make import RECEIPTS, changed, jwk_of, part

from broker.proof.note import ED25519, Note, SignatureLine, vkey
from broker.proof.receipt import TYP
from broker.proof.sdjwt import encode

#: What a receipt and a statement must say, by the place where they say it.
_COMMON = [("iss",), ("jti",), ("sub",), ("aud",), ("vct",), ("iat",), ("_sd",), ("_sd_alg",)]
_RECEIPT = [
    ("record",), ("status",), ("status", "status_list"), ("status", "status_list", "uri"), ("record", "record_id"),
    ("record", "platform"), ("record", "parties"), ("record", "processing"), ("record", "notice"),
    ("record", "notice", "sha256"), ("record", "notice", "id"), ("record", "policy"), ("record", "policy", "digest"),
    ("record", "withdrawal", "uri"), ("record", "withdrawal"), ("record", "event"), ("record", "event", "state"),
    ("record", "event", "type"), ("record", "event", "time"), ("record", "event", "valid_until"),
    ("record", "event", "by"), ("record", "event", "method"), ("record", "event", "txn"),
]  # fmt: skip
_STATEMENT = [
    ("statement",), ("statement", "tag"), ("statement", "data_source"), ("statement", "association_id"),
    ("statement", "clauses"), ("statement", "expected_purposes"), ("statement", "stated_by"),
    ("statement", "stated_by", "name"), ("statement", "policy"), ("statement", "accepted_by"),
    ("statement", "platform"), ("statement", "policy", "version"),
]  # fmt: skip
_GONE = object()


@kind("a claim that is missing or is no such thing", ours=True)
def claims(rng: Random, world: World, it: Specimen) -> Case | None:
    """Signed by the broker's key: an issuer's own mistake, or its own lie."""
    path = rng.choice(_COMMON + (_RECEIPT if it.typ == TYP else _STATEMENT))
    content = rng.choice([_GONE, None, True, -1.5, [], {}, [[]], {"a": {}}])
    lie = changed(lambda claims: _put(claims, path, content), of=it.claims)
    return with_evidence(rng, world, it, Layer.CLAIMS, jwt=it.signed_by(RECEIPTS, lie))


def _put(claims: Any, path: tuple[str, ...], content: object) -> None:  # noqa: ANN401 - JSON is what it is
    *before, last = path
    for name in before:
        claims = claims[name]
    if content is _GONE:
        del claims[last]
    else:
        claims[last] = content


@kind("a header that holds more than it should", ours=True)
def header(rng: Random, world: World, it: Specimen) -> Case | None:
    """Signed by the broker's key, with a key of its own, a condition, or a content type."""
    public = jwk_of(RECEIPTS).as_dict(private=False)
    more = rng.choice(
        [{"jwk": public}, {"jku": "https://consent.example/"}, {"x5c": []}, {"crit": []}, {"cty": "x"}, {"b64": True}]
    )
    return with_evidence(rng, world, it, Layer.WRITING, jwt=it.signed_by(RECEIPTS, **more))


@kind("an SD-JWT in another writing", ours=True)
def writing(rng: Random, world: World, it: Specimen) -> Case | None:
    """A disclosure twice, a key binding that none asked for, padding, a sign too many or too few."""
    at = rng.randrange(len(it.shown))
    whole = text_of(it.jwt, it.shown)
    head, body, signed = it.jwt.split(".")
    texts = [
        text_of(it.jwt, (*it.shown, it.shown[at])), text_of(it.jwt, ("", *it.shown)), whole[:-1], whole + "~", it.jwt,
        whole + it.jwt, text_of(it.jwt + "=", it.shown), text_of(it.jwt + "==", it.shown),
        text_of(it.jwt + "\n", it.shown), text_of(it.jwt, (*it.shown, "")), whole.replace("~", " ~", 1),
        whole.replace("~", "~\n", 1), "~" + whole, whole + "x",
        text_of(it.jwt, tuple(one + "=" * (-len(one) % 4 or 4) for one in it.shown)), f'"{whole}"',
        text_of(f"{head}=.{body}.{signed}", it.shown), text_of(f"{head}.{body}==.{signed}", it.shown),
        text_of(f"{head}.{body}\n.{signed}", it.shown),
        json.dumps({"payload": body, "protected": head, "signature": signed}),
    ]  # fmt: skip
    file = rng.choice(texts)
    if rng.random() < 0.5 and not file.startswith("{"):
        file = world.bundle(file, world.proof(it))
    return Case("", file, it.typ, world.jwks, world.vkeys, Layer.WRITING)


@kind("a bundle in another writing", ours=True)
def bundle(rng: Random, world: World, it: Specimen) -> Case | None:
    """Members twice, missing, of another kind; text before and after; a JSON that not all would read alike."""
    genuine = world.bundle(text_of(it.jwt, it.shown), world.proof(it))
    members = json.loads(genuine)
    name = rng.choice(sorted(members))
    others: dict[str, object] = {**members, name: rng.choice([7, [], True, [members[name]], {"a": members[name]}])}
    less = {key: value for key, value in members.items() if key != name}
    twice = genuine.replace(f'"{name}"', f'"{name}": {json.dumps(members[name])}, "{name}"', 1)
    if others["keys"] != members["keys"] and isinstance(others["keys"], dict):
        return None  # whatever rides along as a hint is nobody's business
    texts = [
        json.dumps(others), json.dumps(less), json.dumps({**members, "valid": True}), twice, genuine + genuine,
        genuine[:-3], genuine + "\0", genuine.replace('"', "'"), genuine.replace("1,", "1,,", 1),
        genuine.replace("{", "{,", 1), f"[{genuine}]", genuine.replace("}\n", ',"x":NaN}\n'),
        genuine.replace("}\n", ',"x":1e999}\n'), genuine.replace("version=1", "version=2"),
        genuine.replace("version=1", "version=1 "), "\ufeff" + genuine, "{" + genuine, "//\n" + genuine, genuine + "//",
        genuine.replace('"proof": "', '"proof": "\t', 1),
    ]  # fmt: skip
    file = rng.choice(texts)
    return Case("", file, it.typ, world.jwks, world.vkeys, Layer.WRITING) if file != genuine else None


@kind("a proof in another writing", ours=True)
def proof(rng: Random, world: World, it: Specimen) -> Case | None:
    """Zeros before a number, base64 in another writing, line breaks of another system, names that are none."""
    genuine = world.proof(it, note="ed25519")
    whole, size = str(genuine), genuine.checkpoint.size
    first, root = (b64encode(raw).decode() for raw in (genuine.hashes[0], genuine.checkpoint.root))
    line = str(genuine.note.lines[0])
    pairs = [
        (f"index {it.index}", f"index 0{it.index}"), (f"index {it.index}", f"index +{it.index}"), ("index ", "index  "),
        (f"\n{size}\n", f"\n0{size}\n"), (f"\n{size}\n", f"\n{size} \n"), (first, first.rstrip("=")),
        (first, first + "="), (root, root.rstrip("=")), (root, f" {root}"), ("@v1", "@v1 "), ("\n", "\r\n"),
        (line, f"{line}{line}\n"), ("\u2014 ", "- "), (line, line.rstrip("\n")),
        (line, line.replace(ORIGIN, f"{ORIGIN}+")), (line, line * 101), ("index", "Index"),
        (line, line + f"\u2014 a b {b64encode(bytes(9)).decode()}\n"), ("\nindex", "\nextra !\nindex"),
        ("\nindex", "\n\nindex"),
    ]  # fmt: skip
    old, new = rng.choice(pairs)
    text = whole.replace(old, new) if new == "\r\n" else whole.replace(old, new, 1)
    return with_proof(world, it, Layer.WRITING, text) if text != whole else None


_SMALL = [
    bytes.fromhex(point)
    for point in (
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    )
]


@kind("a verifier key of small order", ours=True)
def small(rng: Random, world: World, it: Specimen) -> Case | None:
    """A key under which a signature that nobody made holds over any tree."""
    point = rng.choice(_SMALL)
    genuine = world.proof(it, note="ed25519")
    made = vkey(ORIGIN, ED25519, point)
    line = SignatureLine(ORIGIN, bytes.fromhex(made.split("+")[1]), _SMALL[0] + bytes(32))
    case = with_proof(world, it, Layer.WEAK_KEY, replace(genuine, note=Note(genuine.note.text, (line,))))
    return replace(case, vkeys=(made, *rng.choice([(), world.vkeys])))


def _other_keys(rng: Random, key: dict[str, str]) -> list[Any]:
    private, gone = jwk_of(RECEIPTS).as_dict(private=True), rng.choice(["x", "y", "kty", "crv"])
    return [
        {"keys": [key, key]}, {"keys": [{**key, "d": private["d"]}]}, {"keys": {"0": key}}, [key],
        {"keys": [{**key, "crv": rng.choice(["P-384", "secp256k1", "Ed25519", 7])}]}, {"keys": None}, key,
        {"keys": [{name: value for name, value in key.items() if name != gone}]}, {"keys": [{**key, "kid": part({})}]},
    ]  # fmt: skip


@kind("a key set that is none", ours=True)
def key_set(rng: Random, world: World, it: Specimen) -> Case | None:
    """A key twice, or private, or on another curve, or in no list."""
    key = json.loads(world.jwks)["keys"][0]
    jwks = json.dumps(rng.choice(_other_keys(rng, key)))
    made = Case("", text_of(it.jwt, it.shown), it.typ, jwks, world.vkeys, Layer.WRITING)
    return made if jwks != world.jwks else None


@kind("another key under the same id")
def other_key(rng: Random, world: World, it: Specimen) -> Case | None:
    """Everybody who checks a signature finds that this key has not made it."""
    keys = json.loads(world.jwks)["keys"]
    key = keys[0]
    swapped = {**key, "x": key["y"], "y": key["x"]}
    at = rng.randrange(42)
    letters = {**key, "x": key["x"][:at] + ("A" if key["x"][at] != "A" else "B") + key["x"][at + 1 :]}
    lies = [
        {**keys[1], "kid": key["kid"]},
        swapped,
        letters,
        {**key, "y": encode(rng.randbytes(32))},
        {**key, "kid": "other"},
    ]
    chosen = rng.choice([[rng.choice(lies), keys[1]], keys[1:], []])
    file = text_of(it.jwt, it.shown)
    return Case("", file, it.typ, json.dumps({"keys": chosen}), world.vkeys, Layer.JWT)
