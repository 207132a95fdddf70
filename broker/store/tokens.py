"""Codes, used assertions and revoked tokens. Codes are kept hashed; each may be claimed once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlmodel import col

from broker.core.blinding import name_digest
from broker.store.routes import CODE, add_route, find_way_in
from broker.store.short_lived import RevokedTokenRow, UsedAssertionRow
from broker.store.tables import CodeRow
from broker.store.transaction import Transaction
from broker.store.writing import add, add_once, change_ours

#: How long a used or expired code is remembered, so that a second use is seen for what it is.
MEMORY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Code:
    """What an authorization code stands for."""

    account: bytes
    client_id: str
    grant_id: str
    redirect_uri: str
    scope: str
    challenge: str
    expires_at: datetime
    token_id: str | None = None


def save_code(tx: Transaction, code: str, content: Code) -> None:
    """Keep a code by its hash."""
    add(
        tx,
        CodeRow,
        account=content.account,
        code=name_digest(CODE, code),
        client_id=content.client_id,
        grant_id=content.grant_id,
        redirect_uri=content.redirect_uri,
        scope=content.scope,
        challenge=content.challenge,
        expires_at=content.expires_at,
    )
    add_route(tx, CODE, code, account=content.account, target=content.grant_id, expires_at=content.expires_at + MEMORY)


def claim_code(
    tx: Transaction, code: str, *, client_id: str, token_id: str, now: datetime
) -> tuple[Code | None, str | None]:
    """Claim a code for one token, in one statement, so that of many racing exchanges one gets it.

    Returns the code, or None; and beside None the id of the token that an earlier use got, which is now to be
    revoked (RFC 6749 section 4.1.2). A code shown by another client is neither claimed nor counted as used; one that
    the broker did not write is none.
    """
    route = find_way_in(tx, CODE, code)
    if route is None:
        return None, None
    mine = (
        col(CodeRow.account) == route.account,
        col(CodeRow.code) == name_digest(CODE, code),
        col(CodeRow.client_id) == client_id,
    )
    unused = (*mine, col(CodeRow.used_at).is_(None), col(CodeRow.expires_at) > now)
    row = next(iter(change_ours(tx, CodeRow, *unused, used_at=now, token_id=token_id)), None)
    if row is None:
        earlier = tx.execute(select(col(CodeRow.token_id)).where(*mine)).scalar_one_or_none()
        return None, earlier
    content = Code(
        account=row.account,
        client_id=row.client_id,
        grant_id=row.grant_id,
        redirect_uri=row.redirect_uri,
        scope=row.scope,
        challenge=row.challenge,
        expires_at=row.expires_at,
        token_id=row.token_id,
    )
    return content, None


def use_assertion(tx: Transaction, *, client_id: str, jti: str, expires_at: datetime) -> bool:
    """Count an assertion as used; False when it was before."""
    return add_once(tx, UsedAssertionRow, client_id=client_id, jti=name_digest("jti", jti), expires_at=expires_at)


def revoke_token(tx: Transaction, token_id: str, *, expires_at: datetime) -> None:
    """Let a token be good for nothing from now on."""
    add_once(tx, RevokedTokenRow, token_id=token_id, expires_at=expires_at)


def token_revoked(tx: Transaction, token_id: str) -> bool:
    """Whether a token was revoked before its end."""
    found = tx.execute(select(col(RevokedTokenRow.token_id)).where(col(RevokedTokenRow.token_id) == token_id))
    return found.one_or_none() is not None
