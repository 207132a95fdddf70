"""Checking evidence offline, in numbered steps, with keys that the caller brings.

Evidence is a receipt, a provenance statement, the certificate of an erasure or the receipt of an action.

1. form        the file is an SD-JWT: a JWS and its disclosures
2. header      ES256, the type of one of these, a key id, and no key of its own
3. key         the key id is in the caller's key set; of a compromised key, the file shows a place in the log
4. signature   the signature is that key's
5. payload     the fields of that type are there and agree with each other
6. disclosures each disclosed value is one that was signed, none twice

and, of a bundle:

7. inclusion   the proof leads from the evidence to the root of the checkpoint's tree, to a place from before the
               key was compromised, if it was
8. checkpoint  the checkpoint is of the issuer's log, and signed by one of the caller's verifier keys under its name

What the caller must still decide: whether the keys are the broker's, and whether the consent has been
withdrawn since (the receipt of the withdrawal, or the status list, tells).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from broker.errors import BrokerError
from broker.proof.bundle import Bundle, is_bundle, parse_bundle
from broker.proof.checkpoint import origin_of
from broker.proof.claims import KINDS, RECEIPT, Kind, StepFailed
from broker.proof.keys import ALGORITHM
from broker.proof.logproof import LogProof
from broker.proof.merkle import ProofFailed
from broker.proof.note import NoteFailed, Verifier, check_note
from broker.proof.receipt import leaf_data
from broker.proof.sdjwt import DIGEST_ALGORITHM, SdJwt, header_of, parse, payload_of
from broker.proof.signatures import counts_below

STEPS = ("form", "header", "key", "signature", "payload", "disclosures")
LOG_STEPS = ("inclusion", "checkpoint")
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
    #: Signed by a key that was compromised: it counts by its place in the log, and in no other way.
    revoked: bool = False

    @property
    def holds(self) -> bool:
        """No step failed."""
        return all(step.ok is not False for step in self.steps)

    @property
    def anchored(self) -> bool:
        """Every step held, and the signature is a key's that the caller brought and that still counts."""
        made = {step.name: step.ok for step in self.steps}
        signed = len(self.steps) >= len(STEPS) and self.holds and made["signature"] is True
        return signed and (self.logged or not self.revoked)

    @property
    def logged(self) -> bool:
        """The log's checkpoint, signed by a key that the caller brought, holds the evidence."""
        made = {step.name: step.ok for step in self.steps}
        return self.holds and made.get(LOG_STEPS[-1]) is True


def verify_receipt(text: str, *, jwks: Mapping[str, object] | None) -> Verdict:
    """Check *text* against *jwks* (None: what can be checked without keys); never raises for a bad receipt."""
    return verify_as(text, (RECEIPT,), jwks=jwks)


def verify_evidence(text: str, *, jwks: Mapping[str, object] | None, vkeys: Sequence[Verifier] = ()) -> Verdict:
    """Check a receipt, a statement or a certificate, whichever it says it is, by itself or in a bundle."""
    if not is_bundle(text):
        return verify_as(text, KINDS, jwks=jwks)
    try:
        bundle = parse_bundle(text)
    except BrokerError as failure:
        return Verdict((Step(1, "form", ok=False, detail=failure.detail),), {}, {})
    check = _Check(bundle.evidence, jwks, KINDS, placed=bundle.proof is not None)
    verdict = _made(check)
    if not verdict.holds:
        return verdict
    steps = (*verdict.steps, *_log_steps(bundle, vkeys, issuer=str(check.claims["iss"]), end=check.end))
    # What a lie says is shown to nobody, whichever step finds it out.
    return replace(verdict, steps=steps) if steps[-1].ok is not False else Verdict(steps, {}, {})


def verify_as(text: str, kinds: Sequence[Kind], *, jwks: Mapping[str, object] | None) -> Verdict:
    """Check an SD-JWT by itself that must be of one of these kinds."""
    return _made(_Check(text, jwks, kinds, placed=False))


def _made(check: _Check) -> Verdict:
    actions = {name: getattr(check, name) for name in STEPS}
    steps = _run(actions, first=1, without="no keys were given")
    if steps[-1].ok is False:
        return Verdict(steps, {}, {})
    disclosed = {entry.name: entry.value for entry in check.receipt.disclosures}
    return Verdict(steps, check.claims, disclosed, revoked=check.end is not None)


def _log_steps(bundle: Bundle, vkeys: Sequence[Verifier], *, issuer: str, end: int | None) -> tuple[Step, ...]:
    def inclusion() -> str | None:
        if bundle.proof is None:
            return None
        bundle.proof.check(leaf_data(parse(bundle.evidence).jwt))
        if end is not None and bundle.proof.index >= end:
            raise StepFailed(
                f"the key was compromised when the log held {end} leaves; this is leaf {bundle.proof.index}"
            )
        return f"leaf {bundle.proof.index} of {bundle.proof.checkpoint.size}"

    def checkpoint() -> str | None:
        if bundle.proof is None:
            return None
        count = check_origin(bundle.proof, vkeys, issuer=issuer)
        return f"{bundle.proof.checkpoint.origin}, signed with {count} of your keys" if count else None

    without = "no verifier keys were given" if bundle.proof else "the bundle has no proof yet"
    return _run({"inclusion": inclusion, "checkpoint": checkpoint}, first=len(STEPS) + 1, without=without)


def check_origin(proof: LogProof, vkeys: Sequence[Verifier], *, issuer: str) -> int:
    """Count the verifier keys that signed the tree, none where none were given; it must be of the issuer's own log."""
    origin = proof.checkpoint.origin
    if origin != origin_of(issuer):
        raise StepFailed(f"the checkpoint is of {origin}, and the log of {issuer} is {origin_of(issuer)}")
    if not vkeys:
        return 0
    signed = check_note(proof.note, vkeys)
    if not any(verifier.name == origin for verifier in signed):
        raise StepFailed(f"none of your verifier keys signed for {origin}")
    return len(signed)


def _run(actions: Mapping[str, Callable[[], str | None]], *, first: int, without: str) -> tuple[Step, ...]:
    """Run steps up to the first that fails. One that cannot be made, for lack of keys, is neither held nor failed."""
    steps: list[Step] = []
    for number, (name, action) in enumerate(actions.items(), first):
        try:
            detail = action()
        except (StepFailed, BrokerError, ProofFailed, NoteFailed) as failure:
            return (*steps, Step(number, name, ok=False, detail=str(failure)))
        steps.append(Step(number, name, ok=None if detail is None else True, detail=detail or without))
    return tuple(steps)


class _Check:
    """The steps, in order; each leaves what the next one needs."""

    receipt: SdJwt
    kid: str
    kind: Kind
    public: ECKey
    claims: dict[str, object]
    #: Where in the log what a compromised key signed ceases to count.
    end: int | None = None

    def __init__(self, text: str, jwks: Mapping[str, object] | None, kinds: Sequence[Kind], *, placed: bool) -> None:
        self.text = text
        self.jwks = jwks
        self.kinds = {kind.typ: kind for kind in kinds}
        self.placed = placed

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
        self.end = counts_below(named[0])
        if self.end is None:
            return "found in the given key set"
        if not self.placed:
            raise StepFailed(
                "the key was compromised: what it signed counts only by its place in the log, and the file shows none"
            )
        return "found in the given key set; compromised, so that only the place in the log counts"

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
        for member in self.kind.names:
            if not isinstance(self.claims.get(member), str):
                raise StepFailed(f"{member} is missing")
        return self.kind.check(self.claims)

    def disclosures(self) -> str:
        if self.claims.get("_sd_alg") != DIGEST_ALGORITHM:
            raise StepFailed(f"_sd_alg must be {DIGEST_ALGORITHM}")
        signed = self.claims.get("_sd")
        if not isinstance(signed, list) or len({it for it in signed if isinstance(it, str)}) != len(signed):
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
