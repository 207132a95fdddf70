"""The provenance statement: a client's word for where it has a handle from, in the same envelope as a receipt."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from broker.proof.keys import JwsSigner
from broker.proof.receipt import Party
from broker.proof.sdjwt import Disclosure, SdJwt, commit

TYP = "provenance-statement+sd-jwt"
EVIDENCE = "evidence"
DATA_SOURCE = {"user_provided": "dpv:DataSubjectDataSource", "public": "dpv:PublicDataSource"}


@dataclass(frozen=True, kw_only=True)
class StatementClaims:
    """Everything a statement says in clear. Account, identifier and evidence are disclosures."""

    statement_id: str
    association_id: str
    issued_at: datetime
    pairwise: str
    client_id: str
    client: Party
    broker: Party
    platform: str
    tag: str
    expected_purposes: tuple[str, ...]
    clauses: tuple[str, ...]
    policy: Mapping[str, str]


def sign_statement(claims: StatementClaims, disclosures: tuple[Disclosure, ...], key: JwsSigner) -> SdJwt:
    """Sign one statement over its claims and the digests of its disclosures."""
    raw = json.dumps(commit(_payload(claims), disclosures), ensure_ascii=False, separators=(",", ":")).encode()
    return SdJwt(jwt=key.sign(raw, typ=TYP), disclosures=disclosures)


def _payload(claims: StatementClaims) -> dict[str, object]:
    issued = int(claims.issued_at.timestamp())
    return {
        "iss": claims.broker.id,
        "jti": claims.statement_id,
        "iat": issued,
        "nbf": issued,
        "sub": claims.pairwise,
        "aud": claims.client_id,
        "vct": f"{claims.broker.id}/schemas/provenance-statement/1",
        "statement": {
            "association_id": claims.association_id,
            "stated_by": claims.client.claims(role="dpv:DataController", kind="dpv:Recipient"),
            "accepted_by": claims.broker.claims(role="dpv:DataProcessor", kind="dpv:DataProcessor"),
            "platform": claims.platform,
            "tag": claims.tag,
            "data_source": DATA_SOURCE[claims.tag],
            "expected_purposes": list(claims.expected_purposes),
            "clauses": list(claims.clauses),
            "policy": dict(claims.policy),
        },
    }
