"""Mutants of the issuer-signed JWT. Whoever checks a signature against the broker's keys finds every one of them out.

Left out by construction: (r, n - s), which is the same signature in its other writing, and letters of base64 that stand
for no bits.
"""

import hmac
import json
from random import Random

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from mutants.cases import Case, Layer
from mutants.changing import another, bit_changed, json_changed, kind, letter_changed, with_evidence
from mutants.world import Specimen, World
from vectors.make import KID, RECEIPTS, STATEMENT_TYP, STRANGER, STRANGERS_KID, TOKENS, TYP, jwk_of, jws, part

from broker.proof.sdjwt import decode, encode, header_of

#: The order of the group of P-256 (FIPS 186-5).
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_PUBLIC = jwk_of(STRANGER).as_dict(private=False)
_SECRETS = [
    RECEIPTS.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    RECEIPTS.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    RECEIPTS.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint),
    json.dumps(jwk_of(RECEIPTS).as_dict(private=False)).encode(),
    b"",
]
_HEADERS: list[dict[str, object]] = [
    {"alg": "none"}, {"alg": "None"}, {"alg": "nOnE"}, {"alg": ""}, {"alg": "HS256"}, {"alg": "RS256"},
    {"alg": "ES384"}, {"alg": "ES512"}, {"alg": "ES256K"}, {"alg": "EdDSA"}, {"alg": "es256"}, {"alg": ["ES256"]},
    {"alg": None}, {"typ": "JWT"}, {"typ": "at+jwt"}, {"typ": "dc+sd-jwt"}, {"kid": STRANGERS_KID}, {"kid": ""},
    {"kid": "../../etc/passwd"}, {"kid": 7}, {"kid": KID.lower()}, {"kid": f"{KID}="},
    {"kid": jwk_of(TOKENS).thumbprint()}, {"jwk": _PUBLIC}, {"b64": False},
    {"jku": "https://stranger.example/jwks.json"}, {"x5u": "https://stranger.example/it.pem"}, {"x5c": ["MIIB"]},
    {"zip": "DEF"}, {"crit": ["exp"], "exp": 1}, {"crit": []}, {"cty": "JWT"}, {"iss": "https://stranger.example"},
]  # fmt: skip


def _changed(rng: Random, world: World, it: Specimen, jwt: str | None) -> Case | None:
    return with_evidence(rng, world, it, Layer.JWT, jwt=jwt) if jwt is not None else None


def _with_part(it: Specimen, place: int, text: str) -> str:
    parts = it.jwt.split(".")
    return ".".join([*parts[:place], text, *parts[place + 1 :]])


@kind("a letter of the JWT")
def letter(rng: Random, world: World, it: Specimen) -> Case | None:
    """One letter of header, payload or signature."""
    place = rng.randrange(3)
    changed = letter_changed(rng, it.jwt.split(".")[place])
    return _changed(rng, world, it, _with_part(it, place, changed) if changed else None)


@kind("a bit of the JWT")
def bit(rng: Random, world: World, it: Specimen) -> Case | None:
    """One bit of header, payload or signature."""
    place = rng.randrange(3)
    raw = bit_changed(rng, decode(it.jwt.split(".")[place]))
    return _changed(rng, world, it, _with_part(it, place, encode(raw)))


@kind("a letter left out of the JWT, or one too many")
def length(rng: Random, world: World, it: Specimen) -> Case | None:
    """One letter more or less; where it ends the signature it may stand for no bits."""
    at = rng.randrange(len(it.jwt) - 1)
    gone = it.jwt[:at] + it.jwt[at + 1 :]
    more = it.jwt[:at] + rng.choice("Az09-_.") + it.jwt[at:]
    return _changed(rng, world, it, rng.choice([gone, more]))


@kind("the JWT is cut")
def cut(rng: Random, world: World, it: Specimen) -> Case | None:
    """An end is missing, of whatever length, or the beginning."""
    at = rng.randrange(len(it.jwt) - 2)
    return _changed(rng, world, it, rng.choice([it.jwt[:at], it.jwt[at + 1 :]]))


@kind("a member of the header")
def header(rng: Random, world: World, it: Specimen) -> Case | None:
    """The header asks for something else; the signature is the old one."""
    head = {**header_of(it.jwt), **rng.choice(_HEADERS)}
    return _changed(rng, world, it, _with_part(it, 0, part({name: at for name, at in head.items() if at is not None})))


@kind("a header that brings its own key")
def own_key(rng: Random, world: World, it: Specimen) -> Case | None:
    """Signed by a stranger, who says where the key is to be found."""
    brings = rng.choice([{}, {"jwk": _PUBLIC}, {"jku": "https://stranger.example/jwks.json"}, {"x5c": ["MIIB"]}])
    kid = rng.choice([KID, STRANGERS_KID])
    claims = rng.choice([it.claims, json_changed(rng, it.claims)])
    return _changed(rng, world, it, jws(claims, STRANGER, **{"typ": it.typ, "kid": kid, **brings}))


@kind("a member of the payload")
def payload(rng: Random, world: World, it: Specimen) -> Case | None:
    """One value says something else; the signature is the old one."""
    return _changed(rng, world, it, _with_part(it, 1, part(json_changed(rng, it.claims))))


@kind("a member of the payload, signed by another key")
def forged(rng: Random, world: World, it: Specimen) -> Case | None:
    """One value says something else, and a stranger's key, or the key of the tokens, has signed it."""
    return _changed(rng, world, it, it.signed_by(rng.choice([STRANGER, TOKENS]), json_changed(rng, it.claims)))


@kind("the same claims, signed by another key")
def resigned(rng: Random, world: World, it: Specimen) -> Case | None:
    """To the letter the same, and not the broker's word."""
    return _changed(rng, world, it, it.signed_by(rng.choice([STRANGER, TOKENS])))


@kind("parts of two JWTs")
def mixed(rng: Random, world: World, it: Specimen) -> Case | None:
    """Header, payload and signature, not all of the same piece of evidence."""
    mine, others = it.jwt.split("."), another(rng, world, it).jwt.split(".")
    jwt = ".".join(rng.choice(pair) for pair in zip(mine, others, strict=True))
    return None if jwt in {other.jwt for other in world.specimens} else _changed(rng, world, it, jwt)


@kind("no signature, or one in another form")
def form(rng: Random, world: World, it: Specimen) -> Case | None:
    """Empty, of zeros, in DER, turned around, out of range, cut, prolonged."""
    message, _, signed = it.jwt.rpartition(".")
    raw = decode(signed)
    r, s = raw[:32], raw[32:]
    der = RECEIPTS.sign(message.encode(), ec.ECDSA(SHA256(), deterministic_signing=True))
    zero, order = bytes(32), ORDER.to_bytes(32, "big")
    forms = [
        b"", bytes(64), der, s + r, r + zero, zero + s, r + order, order + s, order + order, raw[:-1], raw[:32],
        raw + b"\0", b"\0" + raw, raw + raw, b"\xff" * 64, bytes(31) + b"\1" + bytes(31) + b"\1", r + r, raw[::-1],
    ]  # fmt: skip
    return _changed(rng, world, it, f"{message}.{encode(rng.choice(forms))}")


@kind("alg none, or the public key as a secret")
def confused(rng: Random, world: World, it: Specimen) -> Case | None:
    """Algorithms for which everybody has what it takes."""
    alg = rng.choice(["none", "HS256"])
    claims = rng.choice([it.claims, json_changed(rng, it.claims)])
    message = f"{part({**header_of(it.jwt), 'alg': alg})}.{part(claims)}"
    signed = hmac.digest(rng.choice(_SECRETS), message.encode(), "sha256") if alg == "HS256" else b""
    return _changed(rng, world, it, f"{message}.{encode(signed)}")


@kind("the payload in another writing")
def writing(rng: Random, world: World, it: Specimen) -> Case | None:
    """The same JSON with blanks, in another order, escaped; or with a member twice. What was signed are letters."""
    body = json.dumps(it.claims, ensure_ascii=False, separators=(",", ":"))
    texts = [
        json.dumps(it.claims), json.dumps(it.claims, sort_keys=True), json.dumps(it.claims, indent=1), body + "\n",
        " " + body, body[:-1] + ',"aud":"southwind"}', '{"aud":"southwind",' + body[1:], "\ufeff" + body,
        body.replace("dpv:", "dpv\\u003a"), body + body, f"[{body}]",
    ]  # fmt: skip
    chosen = encode(rng.choice(texts).encode())
    return _changed(rng, world, it, _with_part(it, 1, chosen))


@kind("a digest exchanged")
def digests(rng: Random, world: World, it: Specimen) -> Case | None:
    """The payload is made to fit what is disclosed."""
    others = another(rng, world, it).disclosures
    claims = {**it.claims, "_sd": sorted(entry.digest for entry in others)}
    signed = rng.choice([_with_part(it, 1, part(claims)), it.signed_by(STRANGER, claims)])
    shown = tuple(entry.encoded for entry in others)
    return with_evidence(rng, world, it, Layer.JWT, jwt=signed, shown=shown) if signed != it.jwt else None


@kind("of another type, signed")
def typ(rng: Random, world: World, it: Specimen) -> Case | None:
    """The broker's own signature over something that is no evidence of this kind."""
    ours = {TYP, STATEMENT_TYP} - {it.typ}
    other = rng.choice([*ours, "JWT", "at+jwt", "kb+jwt", "dc+sd-jwt", "secevent+jwt", "", "consent-receipt", None])
    return with_evidence(rng, world, it, Layer.TYP, jwt=it.signed_by(RECEIPTS, typ=other))
