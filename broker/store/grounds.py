"""Associations without consent: the grounds they rest on, their signed statements, and pairs that stay refused."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, or_, select
from sqlmodel import col

from broker.core.consent import ConsentStatus
from broker.core.identifiers import Association
from broker.core.match import Ground
from broker.core.names import is_id
from broker.store.log import Leaf, leave
from broker.store.sealing import Sealer
from broker.store.tables import ConsentRow, ReceiptRow
from broker.store.terms_tables import GroundRow, StatementRow, TaintRow
from broker.store.transaction import Transaction
from broker.store.writing import add, add_once, drop, table_of

_BETWEEN = (
    select(table_of(GroundRow))
    .where(col(GroundRow.account) == bindparam("account"), col(GroundRow.identifier) == bindparam("identifier"))
    .order_by(col(GroundRow.made_at), col(GroundRow.association_id))
)
_REFUSED = select(col(ReceiptRow.account)).where(
    col(ReceiptRow.account) == bindparam("account"),
    col(ReceiptRow.client_id) == bindparam("client_id"),
    col(ReceiptRow.status) == ConsentStatus.REFUSED.value,
)
_WITHDREW = select(col(ConsentRow.account)).where(
    col(ConsentRow.account) == bindparam("account"),
    col(ConsentRow.client_id) == bindparam("client_id"),
    col(ConsentRow.status) == ConsentStatus.WITHDRAWN.value,
)
_SAID_NO = _REFUSED.union_all(_WITHDREW).limit(1)


@dataclass(frozen=True, kw_only=True)
class SignedStatement:
    """A provenance statement in its parts."""

    statement_id: str
    client_id: str
    issued_at: datetime
    jwt: str
    disclosures: tuple[str, ...]
    leaf: bytes


def save_ground(tx: Transaction, pair: Association, ground: Ground, *, tag: bytes, now: datetime) -> bool:
    """Keep a ground that the terms accepted; False when the very same tag is kept already, by whoever raced for it."""
    return add_once(
        tx,
        GroundRow,
        account=pair.account,
        client_id=pair.client_id,
        identifier=pair.identifier,
        tag=tag,
        association_id=ground.association_id,
        basis=ground.basis,
        from_platform=ground.from_platform,
        expected_purposes=list(ground.expected_purposes),
        statement_id=ground.statement_id,
        made_at=now,
    )


def grounds_of_pair(tx: Transaction, pair: Association, *, known_as: Sequence[bytes]) -> tuple[Ground, ...]:
    """Return every ground of one pair for one client, under any digest of the account, the first accepted first."""
    rows = tx.execute(
        select(table_of(GroundRow))
        .where(*_pair(pair, known_as))
        .order_by(col(GroundRow.made_at), col(GroundRow.association_id))
    )
    return tuple(_ground(row) for row in rows)


def grounds_between(tx: Transaction, account: bytes, identifier: bytes) -> tuple[Ground, ...]:
    """The same by two digests alone: an identifier's digest is one client's."""
    return tuple(_ground(row) for row in tx.execute(_BETWEEN, {"account": account, "identifier": identifier}))


def same_ground(tx: Transaction, pair: Association, *, known_as: Sequence[bytes], tag: bytes) -> Ground | None:
    """Return the ground that the very same tag was accepted for, so that saying it again keeps nothing new."""
    found = tx.execute(
        select(col(GroundRow.association_id)).where(*_pair(pair, known_as), col(GroundRow.tag) == tag)
    ).first()
    grounds = grounds_of_pair(tx, pair, known_as=known_as) if found else ()
    return next((ground for ground in grounds if found and ground.association_id == found.association_id), None)


def find_ground(tx: Transaction, account: bytes, association_id: str, *, client_id: str) -> Ground | None:
    """Return one ground of the client's own."""
    row = tx.execute(select(table_of(GroundRow)).where(*_one(account, association_id, client_id))).one_or_none()
    return _ground(row) if row else None


def drop_ground(tx: Transaction, account: bytes, association_id: str, *, client_id: str) -> bool:
    """Let a client give a ground up; False when it holds none of that id."""
    return bool(drop(tx, GroundRow, *_one(account, association_id, client_id)))


def save_statement(
    tx: Transaction, account: bytes, statement: SignedStatement, *, store: Sealer, person: Sealer
) -> None:
    """Keep a signed provenance statement and its pending leaf."""
    name = statement.statement_id
    add(
        tx,
        StatementRow,
        account=account,
        statement_id=name,
        client_id=statement.client_id,
        issued_at=statement.issued_at,
        sealed_jwt=store.seal(statement.jwt.encode(), place=f"statements.sealed_jwt:{name}"),
        sealed_disclosures=person.seal_json(list(statement.disclosures), place=f"statements.sealed_disclosures:{name}"),
        leaf=statement.leaf,
    )
    leave(tx, Leaf(statement.leaf, "statement", statement.issued_at))


def find_statement(tx: Transaction, account: bytes, statement_id: str, *, store: Sealer, person: Sealer) -> str | None:
    """Return one statement as the file its holder keeps."""
    if not is_id(statement_id):
        return None
    row = tx.execute(
        select(table_of(StatementRow)).where(
            col(StatementRow.account) == account, col(StatementRow.statement_id) == statement_id
        )
    ).one_or_none()
    if row is None:
        return None
    opened = open_statement(row, store=store, person=person)
    return "~".join([opened.jwt, *opened.disclosures, ""])


def open_statement(row: Any, *, store: Sealer, person: Sealer) -> SignedStatement:  # noqa: ANN401 - a row of statements
    """Open what is sealed in a row of the statements."""
    name = row.statement_id
    disclosures = person.open_json(row.sealed_disclosures, place=f"statements.sealed_disclosures:{name}")
    assert isinstance(disclosures, list)  # noqa: S101 - sealed by save_statement
    return SignedStatement(
        statement_id=name,
        client_id=row.client_id,
        issued_at=row.issued_at,
        jwt=store.open(row.sealed_jwt, place=f"statements.sealed_jwt:{name}").decode(),
        disclosures=tuple(disclosures),
        leaf=row.leaf,
    )


def taint_pair(tx: Transaction, account: bytes, pair: bytes, *, origin: str, clause: str, now: datetime) -> None:
    """Remember that a pair was offered under a refused origin; the first time counts."""
    add_once(tx, TaintRow, account=account, pair=pair, origin=origin, clause=clause, offered_at=now)


def has_taint(tx: Transaction, pairs: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether any of the pairs, each an account and a keyed digest, was refused for its origin."""
    same = [and_(col(TaintRow.account) == account, col(TaintRow.pair) == pair) for account, pair in pairs]
    return tx.execute(select(col(TaintRow.clause)).where(or_(*same)).limit(1)).first() is not None


def has_said_no(tx: Transaction, account: bytes, client_id: str) -> bool:
    """Whether the person ever refused or withdrew towards this client, whatever the record was."""
    return tx.execute(_SAID_NO, {"account": account, "client_id": client_id}).first() is not None


def _ground(row: Any) -> Ground:  # noqa: ANN401 - a row of the statements above
    return Ground(
        association_id=row.association_id,
        basis=row.basis,
        from_platform=row.from_platform,
        expected_purposes=tuple(row.expected_purposes),
        statement_id=row.statement_id,
        account=row.account,
    )


def _pair(pair: Association, known_as: Sequence[bytes]) -> tuple[ColumnElement[bool], ...]:
    return (
        col(GroundRow.account).in_(known_as),
        col(GroundRow.client_id) == pair.client_id,
        col(GroundRow.identifier) == pair.identifier,
    )


def _one(account: bytes, association_id: str, client_id: str) -> tuple[ColumnElement[bool], ...]:
    return (
        and_(col(GroundRow.account) == account, col(GroundRow.client_id) == client_id),
        col(GroundRow.association_id) == association_id,
    )
