"""What the signed statement of a dossier must say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from broker.proof.claims import Kind, StepFailed
from broker.proof.dossier import SHEETS, TYP
from broker.proof.receipt import ACCOUNT, IDENTIFIER

Claims = Mapping[str, Any]


def _check_claims(claims: Claims) -> str:
    said = claims.get("dossier")
    if not isinstance(said, dict) or set(said) != {"asked", "parts", "standing", "answers"}:
        raise StepFailed("the statement must say what was asked, its parts, what stood, and what the terms say")
    asked, parts = said["asked"], said["parts"]
    if not isinstance(asked, dict) or set(asked) != {"platform", "accounts", "identifier", "day", "policy"}:
        raise StepFailed("dossier.asked must name platform, accounts, identifier, day and policy")
    if not isinstance(parts, dict) or set(parts) - {SHEETS} != {"decisions", "evidence", "policies"}:
        raise StepFailed("dossier.parts must list decisions, evidence and policies, and sheets if there are any")
    for name, listed in parts.items():
        if not isinstance(listed, list):
            raise StepFailed(f"dossier.parts.{name} must be a list")
    for name in ("standing", "answers"):
        if not isinstance(said[name], list) or not all(isinstance(entry, dict) for entry in said[name]):
            raise StepFailed(f"dossier.{name} must be a list")
    day_of(asked)
    return f"{len(parts['decisions'])} decisions of {asked['day']}, {len(said['standing'])} grounds"


def _check_disclosures(_claims: Claims, _disclosures: object) -> None:
    """Account and identifier: whoever reads it may be told, or not."""


DOSSIER = Kind(
    name="dossier",
    typ=TYP,
    disclosed=frozenset({ACCOUNT, IDENTIFIER}),
    check=_check_claims,
    check_disclosures=_check_disclosures,
)


def day_of(asked: Claims) -> tuple[datetime, datetime]:
    """The beginning and the end of the day that was asked about."""
    try:
        begins = datetime.strptime(str(asked["day"]), "%Y-%m-%d").replace(tzinfo=UTC)
        return begins, begins + timedelta(days=1)
    except (ValueError, OverflowError) as error:
        raise StepFailed("dossier.asked.day must be a day, YYYY-MM-DD") from error
