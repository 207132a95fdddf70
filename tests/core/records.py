"""A consent, a ground, a question and what is known about them, for the tests of the rules."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from broker.core.consent import ConsentRecord, ConsentStatus
from broker.core.identifiers import Association, OffPlatformId
from broker.core.match import Facts, Ground, MatchRequest

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
CLIENT, ACCOUNT, IDENTIFIER = "northwind", b"account-of-jane!", b"jane@example.com"
DECLARED = frozenset({"customer-care", "newsletter"})


def consent(
    *,
    status: ConsentStatus = ConsentStatus.GIVEN,
    purposes: tuple[str, ...] = ("customer-care",),
    given: timedelta = -timedelta(days=30),
    until: timedelta = timedelta(days=335),
    associated: bool | None = None,
    client_id: str = CLIENT,
    account: bytes = ACCOUNT,
    identifier: bytes = IDENTIFIER,
    grant_id: str = "the-grant",
) -> ConsentRecord:
    """Return a consent of Jane's to Northwind; ``given`` and ``until`` count from now."""
    return ConsentRecord(
        grant_id=grant_id,
        client_id=client_id,
        account=account,
        identifier=OffPlatformId(kind="person", type="email", digest=identifier),
        purposes=purposes,
        status=status,
        given_at=NOW + given,
        valid_until=NOW + until,
        receipt_id="the-receipt",
        associated=status is ConsentStatus.GIVEN if associated is None else associated,
    )


def ground(
    basis: str = "user_provided",
    *expected: str,
    from_platform: bool = False,
    association_id: str = "the-association",
) -> Ground:
    """Return a ground on record for the pair; the person expects customer care unless *expected* says otherwise."""
    return Ground(
        association_id=association_id,
        basis=basis,
        from_platform=from_platform,
        expected_purposes=expected or ("customer-care",),
        statement_id="the-statement",
    )


def question(purpose: str = "customer-care", *, client_id: str = CLIENT) -> MatchRequest:
    """Ask whether Northwind may tie Jane's account to her address."""
    pair = Association(client_id=client_id, account=ACCOUNT, identifier=IDENTIFIER)
    return MatchRequest(association=pair, purpose=purpose)


def facts(
    *consents: ConsentRecord,
    declared: frozenset[str] = DECLARED,
    **known: Any,  # noqa: ANN401 - any field of Facts
) -> Facts:
    """Return what is known."""
    return replace(Facts(now=NOW, declared_purposes=declared, consents=consents), **known)
