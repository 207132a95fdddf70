"""Checking a receipt or a provenance statement offline, in numbered steps, with keys that the caller brings.

1. form        the file is an SD-JWT: a JWS and its disclosures
2. header      ES256, the type of a receipt or statement, a key id, and no key of its own
3. key         the key id is in the caller's key set
4. signature   the signature is that key's
5. payload     the fields of that type are there and agree with each other
6. disclosures each disclosed value is one that was signed, none twice

What the caller must still decide: whether the keys are the broker's, and whether the consent has been
withdrawn since (the receipt of the withdrawal, or the status list, tells).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from broker.errors import MalformedRequest
from broker.proof.claims import RECEIPT, STATEMENT, Kind, StepFailed
from broker.proof.keys import ALGORITHM
from broker.proof.sdjwt import DIGEST_ALGORITHM, SdJwt, header_of, parse, payload_of

STEPS = ("form", "header", "key", "signature", "payload", "disclosures")
_HEADER = {"alg", "typ", "kid"}
_KID = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class Step:
    """The outcome of one numbered step; ``ok`` is None when it could not be made."""

    number: int
    name: str
    ok: bool | None
    detail: str


@dataclass(frozen=True)
class Verdict:
    """All steps up to the first that failed, and what the receipt says when none did."""

    steps: tuple[Step, ...]
    payload: Mapping[str, object]
    disclosed: Mapping[str, object]

    @property
    def holds(self) -> bool:
        """No step failed."""
        return all(step.ok is not False for step in self.steps)

    @property
    def anchored(self) -> bool:
        """Every step was made and held: the signature is a key's that the caller brought."""
        return len(self.steps) == len(STEPS) and all(step.ok for step in self.steps)


def verify_receipt(text: str, *, jwks: Mapping[str, object] | None) -> Verdict:
    """Check *text* against *jwks* (None: what can be checked without keys); never raises for a bad receipt."""
    return _verify(text, jwks, (RECEIPT,))


def verify_evidence(text: str, *, jwks: Mapping[str, object] | None) -> Verdict:
    """Check a receipt or a provenance statement, whichever it says it is."""
    return _verify(text, jwks, (RECEIPT, STATEMENT))


def _verify(text: str, jwks: Mapping[str, object] | None, kinds: Sequence[Kind]) -> Verdict:
    check = _Check(text, jwks, kinds)
    steps: list[Step] = []
    for number, name in enumerate(STEPS, 1):
        action: Callable[[], str | None] = getattr(check, name)
        try:
            detail = action()
        except (StepFailed, MalformedRequest) as failure:
            steps.append(Step(number, name, ok=False, detail=str(failure)))
            return Verdict(tuple(steps), {}, {})
        skipped = detail is None
        steps.append(Step(number, name, ok=None if skipped else True, detail=detail or "no keys were given"))
    disclosed = {entry.name: entry.value for entry in check.receipt.disclosures}
    return Verdict(tuple(steps), check.claims, disclosed)


class _Check:
    """The steps, in order; each leaves what the next one needs."""

    receipt: SdJwt
    kid: str
    kind: Kind
    public: ECKey
    claims: dict[str, object]

    def __init__(self, text: str, jwks: Mapping[str, object] | None, kinds: Sequence[Kind]) -> None:
        self.text = text
        self.jwks = jwks
        self.kinds = {kind.typ: kind for kind in kinds}

    def form(self) -> str:
        self.receipt = parse(self.text)
        return f"an SD-JWT with {len(self.receipt.disclosures)} disclosures"

    def header(self) -> str:
        header = header_of(self.receipt.jwt)
        # A key that travels with the message proves nothing: jwk, jku, x5u and crit are refused unread.
        if set(header) != _HEADER:
            raise StepFailed(f"the header must hold {', '.join(sorted(_HEADER))} and nothing else")
        if header["alg"] != ALGORITHM or str(header["typ"]) not in self.kinds or not _is_kid(header["kid"]):
            raise StepFailed(f"the header must say alg {ALGORITHM} and typ {' or '.join(self.kinds)}")
        self.kid, self.kind = str(header["kid"]), self.kinds[str(header["typ"])]
        return f"{ALGORITHM}, key {self.kid}"

    def key(self) -> str | None:
        if self.jwks is None:
            return None
        entries = self.jwks.get("keys")
        if not isinstance(entries, list):
            raise StepFailed("the key set must be an object with a list of keys")
        named = [entry for entry in entries if isinstance(entry, dict) and entry.get("kid") == self.kid]
        if len(named) != 1:
            raise StepFailed(f"the key set must hold exactly one key {self.kid}; it holds {len(named)}")
        self.public = _public_key(named[0])
        if self.public.thumbprint() != self.kid:
            raise StepFailed("the key's id is not its thumbprint")
        return "found in the given key set"

    def signature(self) -> str | None:
        if self.jwks is None:
            return None
        try:
            jws.deserialize_compact(self.receipt.jwt, self.public, algorithms=[ALGORITHM])
        except (JoseError, ValueError) as error:
            raise StepFailed("the signature is not that key's over these bytes") from error
        return "the signature is that key's"

    def payload(self) -> str:
        self.claims = payload_of(self.receipt.jwt)
        for member in ("iss", "jti", "sub", "aud", "vct"):
            if not isinstance(self.claims.get(member), str):
                raise StepFailed(f"{member} is missing")
        return self.kind.check(self.claims)

    def disclosures(self) -> str:
        if self.claims.get("_sd_alg") != DIGEST_ALGORITHM:
            raise StepFailed(f"_sd_alg must be {DIGEST_ALGORITHM}")
        signed = self.claims.get("_sd")
        if not isinstance(signed, list) or len(set(map(str, signed))) != len(signed):
            raise StepFailed("_sd must be a list of distinct digests")
        names = [entry.name for entry in self.receipt.disclosures]
        if len(set(names)) != len(names) or set(names) & set(self.claims):
            raise StepFailed("a value is disclosed twice")
        for entry in self.receipt.disclosures:
            if entry.name not in self.kind.disclosed:
                raise StepFailed(f"{entry.name!r} is not a disclosure of a {self.kind.name}")
            if entry.digest not in signed:
                raise StepFailed(f"the disclosed {entry.name} is not the one that was signed")
        self.kind.check_disclosures(self.claims, self.receipt.disclosures)
        return f"{', '.join(names) or 'none'} disclosed, {len(signed) - len(names)} withheld"


def _is_kid(value: object) -> bool:
    """Whether *value* is a thumbprint: it is printed, so it may be nothing else."""
    return isinstance(value, str) and _KID.fullmatch(value) is not None


def _public_key(jwk: dict[str, object]) -> ECKey:
    if jwk.get("kty") != "EC" or jwk.get("crv") != "P-256" or "d" in jwk:
        raise StepFailed("the key must be a public key on P-256")
    try:
        return ECKey.import_key({name: str(jwk[name]) for name in ("kty", "crv", "x", "y")})
    except (JoseError, ValueError, KeyError) as error:
        raise StepFailed("the key set's key cannot be read") from error
