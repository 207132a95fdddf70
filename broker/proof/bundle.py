"""The bundle: a receipt or a statement, its inclusion proof and the checkpoint, in one file that stands alone.

Keys may ride along as a hint, for a reader who wants to look; no verdict ever rests on them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from broker.core.reading import read_json_object
from broker.errors import MalformedRequest
from broker.proof.logproof import LogProof, parse_logproof
from broker.proof.merkle import ProofFailed
from broker.proof.note import NoteFailed

MEDIA_TYPE = "application/vnd.consent-broker.bundle+json"
FORM = f"{MEDIA_TYPE};version=1"
_MEMBERS = {"mediaType", "evidence", "proof", "keys"}


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """``evidence`` is the SD-JWT; ``proof`` None while its leaf waits for a checkpoint."""

    evidence: str
    proof: LogProof | None
    jwks: Mapping[str, object] = field(default_factory=dict)
    vkeys: Sequence[str] = ()

    def to_json(self) -> dict[str, object]:
        """The file's content."""
        return {
            "mediaType": FORM,
            "evidence": self.evidence,
            "proof": str(self.proof) if self.proof else None,
            "keys": {"jwks": dict(self.jwks), "vkeys": list(self.vkeys)},
        }

    def __str__(self) -> str:
        return json.dumps(self.to_json(), indent=1) + "\n"


def is_bundle(text: str) -> bool:
    """Whether a file is a bundle rather than an SD-JWT by itself."""
    return text.lstrip().startswith("{")


def parse_bundle(text: str) -> Bundle:
    """Take a bundle apart, or raise :class:`MalformedRequest` naming what is wrong."""
    value = read_json_object(text.encode(errors="surrogatepass"))
    if set(value) != _MEMBERS or value["mediaType"] != FORM:
        raise MalformedRequest(f"a bundle holds {', '.join(sorted(_MEMBERS))}, its mediaType {FORM}")
    evidence, proof, keys = value["evidence"], value["proof"], value["keys"]
    if not isinstance(evidence, str) or not isinstance(proof, str | None) or not isinstance(keys, dict):
        raise MalformedRequest("a bundle's evidence and proof are text, its keys an object")
    try:
        read = parse_logproof(proof) if proof is not None else None
    except (ProofFailed, NoteFailed) as error:
        raise MalformedRequest(f"proof: {error}") from error
    return Bundle(evidence=evidence, proof=read)
