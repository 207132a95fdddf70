"""Status list tokens that hold, and tokens named after the lie they tell: 16 entries, Jane's at 7."""

import json
import zlib
from collections.abc import Mapping

from vectors.make import FOLDER, KID, STRANGER, STRANGERS_KID, jwk_of, jws, part

from broker.proof.sdjwt import encode
from broker.proof.status import TYP

URI, INDEX, SIZE = "https://consent.example/status/1", 7, 16
#: The receipts are of 1795435200, noon on 2026-11-23; the lists are of a minute later.
ISSUED, AS_OF, LONG_PAST, FAR = 1795435200, 1795435260, 1700000000, 4102444800


def lst(value: int = 0, *, size: int = SIZE) -> str:
    """Return a list of two bits an entry, with a value at Jane's place, by hand."""
    packed = bytearray(size // 4)
    if INDEX < size:
        packed[INDEX // 4] = value << 2 * (INDEX % 4)
    return encode(zlib.compress(bytes(packed), 9))


def claims(value: int = 0, **changes: object) -> dict[str, object]:
    """Return a token's claims; a change to None leaves a member out."""
    whole = {"sub": URI, "iat": AS_OF, "exp": FAR, "ttl": 60, "status_list": {"bits": 2, "lst": lst(value)}, **changes}
    return {name: it for name, it in whole.items() if it is not None}


def token(value: int = 0, **changes: object) -> str:
    """Sign a list."""
    return jws(claims(value, **changes), typ=TYP)


def listed(**members: object) -> str:
    """Sign a list in another form."""
    return token(status_list={"bits": 2, "lst": lst(), **members})


def tokens_that_hold() -> Mapping[str, str]:
    """What the broker signs."""
    return {
        "status-stands": token(),
        "status-ended": token(1),
        "status-suspended": token(2),
        "status-with-more-claims": token(iss="https://consent.example"),
        "status-without-an-end": token(exp=None, ttl=None),
        "status-expired": token(exp=LONG_PAST),
        "status-ended-and-expired": token(1, exp=LONG_PAST),
        "status-suspended-and-expired": token(2, exp=LONG_PAST),
        "status-from-before-the-receipt": token(iat=ISSUED - 1),
    }


def lies() -> Mapping[str, str]:
    """What nobody may believe."""
    return {**lies_about_the_key(), **lies_about_the_list()}


def lies_about_the_key() -> Mapping[str, str]:
    """Tokens that the broker did not sign, or not as a status list."""
    head, _, signed = token(1).split(".")
    stranger = jwk_of(STRANGER).as_dict(private=False)
    bare = encode(json.dumps({"alg": "none", "typ": TYP, "kid": KID}).encode())
    return {
        "status-alg-none": f"{bare}.{part(claims())}.",
        "status-other-typ": jws(claims(), typ="JWT"),
        "status-typ-of-a-receipt": jws(claims()),
        "status-typ-missing": jws(claims(), typ=None),
        "status-kid-missing": jws(claims(), typ=TYP, kid=None),
        "status-kid-unknown": jws(claims(), STRANGER, typ=TYP, kid=STRANGERS_KID),
        "status-wrong-key": jws(claims(), STRANGER, typ=TYP),
        "status-jwk-in-header": jws(claims(), STRANGER, typ=TYP, kid=STRANGERS_KID, jwk=stranger),
        "status-claims-changed": f"{head}.{part(claims(0))}.{signed}",
        "status-signature-cut": token()[:-2],
        "status-letters-outside-ascii": token()[:-2] + "éé",
        "status-of-two-parts": token().rpartition(".")[0],
        "status-empty": "",
    }


def lies_about_the_list() -> Mapping[str, str]:
    """Tokens that the broker would not have signed so."""
    twice = json.dumps(claims())[:-1] + f', "sub": "{URI}"}}'
    bomb = zlib.compress(bytes(2**22), 9)
    return {
        "status-of-another-list": token(sub="https://consent.example/status/2"),
        "status-of-a-strangers-list": token(sub="https://elsewhere.example/status/1"),
        "status-of-a-shorter-list": listed(lst=lst(size=4)),
        "status-without-sub": token(sub=None),
        "status-without-time": token(iat=None),
        "status-time-is-true": token(iat=True),
        "status-time-below-zero": token(iat=-1),
        "status-time-beyond-all-calendars": token(iat=253_402_300_800),
        "status-end-as-text": token(exp="2100-01-01"),
        "status-member-twice": jws(encode(twice.encode()), typ=TYP),
        "status-without-a-list": token(status_list=None),
        "status-list-as-text": token(status_list=lst()),
        "status-of-three-bits": listed(bits=3),
        "status-bits-is-true": listed(bits=True),
        "status-bits-as-a-fraction": listed(bits=2.0),
        "status-bits-as-text": listed(bits="2"),
        "status-without-lst": token(status_list={"bits": 2}),
        "status-lst-padded": listed(lst=lst() + "=" * (-len(lst()) % 4 or 4)),
        "status-lst-uncompressed": listed(lst=encode(bytes(4))),
        "status-lst-in-gzip": listed(lst="H4sIAAAAAAAAA2NgYGAAABzfRCEEAAAA"),
        "status-lst-cut": listed(lst=encode(zlib.compress(bytes(4), 9)[:-2])),
        "status-lst-with-more-behind": listed(lst=encode(zlib.compress(bytes(4), 9) + b"more")),
        "status-lst-that-unpacks-to-too-much": listed(lst=encode(bomb)),
    }


def status_files() -> Mapping[str, bytes]:
    """Every status list token of this folder, by name."""
    return {f"{name}.jwt": text.encode() for name, text in {**tokens_that_hold(), **lies()}.items()}


if __name__ == "__main__":
    for name, content in status_files().items():
        (FOLDER / name).write_bytes(content)
