"""SD-JWT (RFC 9901) in its plain form: flat, salted disclosures over a JWS; no key binding."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from broker.core.reading import read_json, read_json_object
from broker.errors import MalformedRequest

DIGEST_ALGORITHM = "sha-256"
SALT_SIZE = 16
_MEMBERS = 3


@dataclass(frozen=True, kw_only=True)
class Disclosure:
    """One datum that can be left out or erased; ``encoded`` is what travels and what is digested."""

    name: str
    value: object
    encoded: str

    @property
    def digest(self) -> str:
        """What stands for the datum in the signed payload (RFC 9901 section 4.2.3)."""
        return encode(hashlib.sha256(self.encoded.encode("ascii")).digest())


@dataclass(frozen=True, kw_only=True)
class SdJwt:
    """An issuer-signed JWT and the disclosures beside it, not verified yet."""

    jwt: str
    disclosures: tuple[Disclosure, ...]

    def __str__(self) -> str:
        return assemble(self.jwt, (entry.encoded for entry in self.disclosures))


def assemble(jwt: str, encoded: Iterable[str] = ()) -> str:
    """``<jwt>~<disclosure>~...~`` of its parts, the disclosures as they travel; the opposite of :func:`parse`."""
    return "~".join([jwt, *encoded, ""])


def disclose(name: str, value: object, *, salt: bytes) -> Disclosure:
    """Make a disclosure; the salt is 128 random bits and is what erasing destroys."""
    raw = json.dumps([encode(salt), name, value], ensure_ascii=False, separators=(",", ":"))
    return Disclosure(name=name, value=value, encoded=encode(raw.encode()))


def commit(claims: Mapping[str, object], disclosures: Sequence[Disclosure]) -> dict[str, object]:
    """Return the payload with a digest for each disclosure, sorted so that their order tells nothing."""
    return {**claims, "_sd_alg": DIGEST_ALGORITHM, "_sd": sorted(entry.digest for entry in disclosures)}


def parse(text: str) -> SdJwt:
    """Take ``<jwt>~<disclosure>~...~`` apart, or raise :class:`MalformedRequest`."""
    if not text.isascii():
        raise MalformedRequest("an SD-JWT is ASCII")
    jwt, *rest = text.strip().split("~")
    if not rest:
        raise MalformedRequest("an SD-JWT holds at least one ~")
    *encoded, last = rest
    if last:
        raise MalformedRequest("a receipt ends with ~; it carries no key binding")
    return SdJwt(jwt=jwt, disclosures=tuple(_parse_disclosure(entry) for entry in encoded))


def payload_of(jwt: str) -> dict[str, object]:
    """Read the payload of a compact JWS without verifying it."""
    return _part(jwt, 1)


def header_of(jwt: str) -> dict[str, object]:
    """Read the header of a compact JWS without verifying it."""
    return _part(jwt, 0)


def encode(raw: bytes) -> str:
    """Base64url without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """Strict base64url: one writing per value, no padding, no stray bits."""
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError as error:
        raise MalformedRequest("a part is not base64url") from error
    if encode(raw) != text:
        raise MalformedRequest("a part is not canonical base64url")
    return raw


def _part(jwt: str, index: int) -> dict[str, object]:
    parts = jwt.split(".")
    if len(parts) != _MEMBERS:
        raise MalformedRequest("a compact JWS has three parts")
    return read_json_object(decode(parts[index]))


def _parse_disclosure(encoded: str) -> Disclosure:
    members = read_json(decode(encoded))
    if not isinstance(members, list) or len(members) != _MEMBERS:
        raise MalformedRequest("a disclosure is an array of salt, name and value")
    salt, name, value = members
    if not isinstance(salt, str) or not isinstance(name, str) or name in {"_sd", "..."}:
        raise MalformedRequest("a disclosure is an array of salt, name and value")
    return Disclosure(name=name, value=value, encoded=encoded)
