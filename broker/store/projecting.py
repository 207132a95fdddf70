"""What a match reads is made anew in the transaction that changes what it says.

``writing`` notes each row that it writes; before the commit, the pairs and accounts that those rows are about are read
whole and written down again. Nobody can forget to: there is no other way to write a row. Two transactions about one
account or pair wait for each other here, so that neither writes down what it saw before the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, exists, literal, select, union
from sqlmodel import col

from broker.core.blinding import DIGEST_SIZE
from broker.core.caution import EVERYONE, Caution
from broker.core.consent import ConsentStatus
from broker.store.consents import consents_between
from broker.store.grounds import grounds_between, has_said_no
from broker.store.match_tables import CautionRow, PairRow
from broker.store.objections import list_objections
from broker.store.pairs import PairLine, as_content, as_line, caution_key
from broker.store.people import HELD, Bearer, bearers_of, handles_of
from broker.store.presence_tables import PresenceRow
from broker.store.presences import presence_of
from broker.store.signals import find_signal
from broker.store.tables import ConsentRow, HandleRow, ReceiptRow
from broker.store.terms_tables import GroundRow, ObjectionRow, SignalRow, TaintRow
from broker.store.transaction import Transaction
from broker.store.writing import add_once, put, table_of

_REFUSED, _WITHDRAWN = ConsentStatus.REFUSED.value, ConsentStatus.WITHDRAWN.value


#: An account, and whose caution with it: a client's id, or EVERYONE.
Whom = tuple[bytes, str]


@dataclass
class Touched:
    """What the rows that a transaction wrote are about: pairs, accounts, and what may have to do with them.

    ``names`` are accounts or handles that something was said about, whoever bears the handle. ``perhaps`` matter only
    where something was said about a handle of theirs: to one client, or to any that said it (``borne``).
    """

    pairs: set[bytes] = field(default_factory=set)
    accounts: set[Whom] = field(default_factory=set)
    names: set[Whom] = field(default_factory=set)
    perhaps: set[Whom] = field(default_factory=set)
    borne: set[bytes] = field(default_factory=set)

    def note(self, table: str, row: Mapping[str, Any]) -> None:
        """A row of *table* was written, or is gone."""
        account = row.get("account")
        if table in {"consents", "associations", "grounds"}:
            self.pairs.add(row["account"] + row["identifier"])
        if table == "objections" or (table, row.get("status")) in _NO:
            self.accounts.add((row["account"], row["client_id"]))
        elif table in {"signals", "presences"}:
            self.accounts.add((row["account"], EVERYONE))
        elif table == "consents":
            self.perhaps.add((row["account"], row["client_id"]))
        elif table in {"grounds", "tainted_pairs"}:
            self.names.add((row["account"], row.get("client_id", EVERYONE)))
        elif table == "handles" and isinstance(account, bytes):
            self.borne.add(account)

    def whom(self, tx: Transaction) -> set[Whom]:
        """With whom it may call for caution."""
        bearers = _bearers(tx, sorted({name for name, _whose in self.names}))
        named = {(bearers[name].account if name in bearers else name, whose) for name, whose in self.names}
        perhaps = {(account, whose) for account, whose in sorted(self.perhaps) if whose in _who_spoke(tx, account)}
        borne = {(account, whose) for account in sorted(self.borne) for whose in _who_spoke(tx, account)}
        return self.accounts | named | perhaps | borne


#: The tables that all of it is made from.
MADE_FROM = (
    *("consents", "associations", "grounds", "objections", "signals"),
    *("presences", "receipts", "handles", "tainted_pairs"),
)
_PAIR = ("account", "identifier")
#: Names are asked about in such numbers: few have more.
_NAMES_AT_ONCE, _NAMES_AT_MOST = 4, 1000
#: Rows that say that the person did not want it.
_NO = frozenset({("consents", _WITHDRAWN), ("receipts", _REFUSED)})

_ELSEWHERE = (
    select(col(GroundRow.client_id))
    .join_from(HandleRow, GroundRow, col(GroundRow.account) == col(HandleRow.handle))
    .where(
        col(HandleRow.account) == bindparam("account"),
        col(HandleRow.standing) == HELD,
        col(GroundRow.client_id) == bindparam("client_id"),
        exists().where(
            col(ConsentRow.account) == bindparam("account"), col(ConsentRow.client_id) == bindparam("client_id")
        ),
    )
    .limit(1)
)
_HANDLES = select(col(HandleRow.handle)).where(col(HandleRow.account) == bindparam("account"))
_SPOKE = union(
    select(col(GroundRow.client_id)).where(col(GroundRow.account).in_(_HANDLES)),
    select(literal(EVERYONE)).where(col(TaintRow.account).in_(_HANDLES)),
)


def project(tx: Transaction, rows: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
    """Write down anew what a match reads of whatever *rows*, each with its table, are about."""
    touched = Touched()
    for table, row in rows:
        touched.note(table, row)
    # In one order everywhere: two transactions about the same two never wait for each other crosswise.
    for pair in sorted(touched.pairs):
        write_pair(tx, pair)
    for account, whose in sorted(touched.whom(tx)):
        write_caution(tx, account, whose)


def project_all(tx: Transaction) -> None:
    """Write down all that a match reads, of rows that are older than that."""
    held = union(*(select(*(table_of(model).c[name] for name in _PAIR)) for model in (ConsentRow, GroundRow)))
    for row in tx.execute(held).all():
        write_pair(tx, row.account + row.identifier)
    touched = Touched()
    for model in (ObjectionRow, SignalRow, PresenceRow, TaintRow, GroundRow, HandleRow):
        for row in tx.execute(select(table_of(model))).all():
            touched.note(table_of(model).name, row._asdict())
    for table, status in ((table_of(ReceiptRow), _REFUSED), (table_of(ConsentRow), _WITHDRAWN)):
        whom = select(table.c.account, table.c.client_id).where(table.c.status == status)
        touched.accounts |= {(row.account, row.client_id) for row in tx.execute(whom)}
    for account, whose in sorted(touched.whom(tx)):
        write_caution(tx, account, whose)


def write_pair(tx: Transaction, pair: bytes) -> None:
    """Write down what is known of a pair now."""
    _hold(tx, PairRow, {"pair": pair}, as_line((), ())._asdict())
    put(tx, PairRow, {"pair": pair}, read_line(tx, pair)._asdict())


def read_line(tx: Transaction, pair: bytes) -> PairLine:
    """What is known of a pair, from where it is kept."""
    account, identifier = pair[:DIGEST_SIZE], pair[DIGEST_SIZE:]
    return as_line(consents_between(tx, account, identifier), grounds_between(tx, account, identifier))


def write_caution(tx: Transaction, account: bytes, whose: str) -> None:
    """Write down what speaks for caution with an account now: for one client, or for everyone."""
    key = {"caution": caution_key(account, whose)}
    _hold(tx, CautionRow, key, {"whose": whose, "content": {}})
    put(tx, CautionRow, key, {"whose": whose, "content": as_content(read_caution(tx, account, whose))})


def read_caution(tx: Transaction, account: bytes, whose: str) -> Caution:
    """What speaks for caution with an account, from where it is kept: for one client, or for everyone."""
    objected_at = list_objections(tx, account).get(whose)
    if whose != EVERYONE:
        said_no, elsewhere = has_said_no(tx, account, whose), _is_elsewhere(tx, account, whose)
        return Caution(objected_at=objected_at, said_no=said_no, elsewhere=elsewhere)
    signal, names = find_signal(tx, account), [account, *handles_of(tx, account)]
    return Caution(
        objected_at=objected_at,
        signalled_at=signal.first_seen_at if signal and signal.stands else None,
        presence=presence_of(tx, account),
        tainted=frozenset(_taints(tx, names)),
    )


def _hold(tx: Transaction, model: type, key: Mapping[str, Any], empty: Mapping[str, Any]) -> None:
    """Let no other transaction write this row before this one ends; what it wrote before is seen from here on."""
    if tx.dialect.name == "postgresql" and not add_once(tx, model, **key, **empty):
        table = table_of(model)
        same = [table.c[name] == value for name, value in key.items()]
        tx.execute(select(*(table.c[name] for name in key)).where(*same).with_for_update())


def _bearers(tx: Transaction, names: Sequence[bytes]) -> Mapping[bytes, Bearer]:
    found: dict[bytes, Bearer] = {}
    for begin in range(0, len(names), _NAMES_AT_MOST):
        found |= bearers_of(tx, _padded(names[begin : begin + _NAMES_AT_MOST]))
    return found


def _padded(names: Sequence[bytes]) -> list[bytes]:
    """As many for an account that nobody has proved: the statements must not tell how many names there are."""
    return [*names, *list(names[:1]) * (-len(names) % _NAMES_AT_ONCE)]


def _taints(tx: Transaction, names: Sequence[bytes]) -> Iterable[tuple[bytes, bytes]]:
    found = select(col(TaintRow.account), col(TaintRow.pair)).where(col(TaintRow.account).in_(_padded(names)))
    rows = tx.execute(found)
    return ((row.account, row.pair) for row in rows)


def _is_elsewhere(tx: Transaction, account: bytes, client_id: str) -> bool:
    """Whether a client holds or held a consent of the account, and an association under a handle that it bears."""
    return tx.execute(_ELSEWHERE, {"account": account, "client_id": client_id}).first() is not None


def _who_spoke(tx: Transaction, account: bytes) -> set[str]:
    """Who ever said anything about a handle that the account bears or bore; EVERYONE where one was refused."""
    return set(tx.execute(_SPOKE, {"account": account}).scalars())
