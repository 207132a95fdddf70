"""The one place where rows are written: each with its MAC, and those of lasting tables with an entry of the trail."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    Table,
    Update,
    bindparam,
    delete,
    literal,
    select,
    update,
)

from broker.store.driven import insert_rows, inserting, inserting_once, putting
from broker.store.row_mac import MAC, canonical, content_of, is_marked, primary_key_of, row_key_digest, row_mac
from broker.store.spreading import has_citus
from broker.store.trail import Trail, is_followed, says, trail_of
from broker.store.transaction import Transaction

Values = Mapping[str, object]
#: Rows that older releases wrote are marked so many at a time.
_AT_ONCE = 1000


def table_of(model: type) -> Table:
    """The table behind a model."""
    found: Table = model.__table__  # type: ignore[attr-defined] # SQLModel hides the table
    return found


def add(tx: Transaction, model: type, **values: object) -> None:
    """Insert one row."""
    table, trail = table_of(model), trail_of(tx)
    row, content = _marked(trail.key, table, values)
    insert_rows(tx, inserting(table), [row])
    trail.touch(table, row)
    trail.note(table, row, content)


def add_all(tx: Transaction, model: type, rows: Sequence[Values]) -> None:
    """Insert many rows in one go."""
    table, trail = table_of(model), trail_of(tx)
    whole = [_marked(trail.key, table, values) for values in rows]
    if whole:
        insert_rows(tx, inserting(table), [row for row, _content in whole])
    for row, content in whole:
        trail.note(table, row, content)


def add_once(tx: Transaction, model: type, **values: object) -> bool:
    """Insert unless a row of that key is there; say whether it was not. Racing inserts have one winner."""
    table, trail = table_of(model), trail_of(tx)
    row, content = _marked(trail.key, table, values)
    # RETURNING tells; psycopg counts no rows for an INSERT.
    written = insert_rows(tx, inserting_once(table, tx.dialect.name), [row]).one_or_none() is not None
    if written:
        trail.touch(table, row)
        trail.note(table, row, content)
    return written


def put(tx: Transaction, model: type, key: Values, values: Values) -> None:
    """Insert a row, or write the one of that key anew."""
    table, trail = table_of(model), trail_of(tx)
    row, content = _marked(trail.key, table, {**key, **values})
    insert_rows(tx, putting(table, tx.dialect.name, tuple(key)), [row])
    trail.touch(table, row)
    trail.note(table, row, content)


def change(tx: Transaction, model: type, *where: ColumnElement[bool], **values: object) -> Sequence[Row[Any]]:
    """Change the rows that *where* finds, and return them as they are now.

    Of a row that was not as the broker wrote it last, what is asked is changed, and its MAC stays as false as it is: a
    new one would bless the rest of it, and the audit could not name it any more.
    """
    table = table_of(model)
    ours = None if _nothing_stays(table, values) else _ours(tx, table, where, values)
    return _changed(tx, table, update(table).where(*where).values(**values), ours)


def change_one(tx: Transaction, model: type, same: Values, **values: object) -> bool:
    """Change the one row whose columns hold the *same*, as :func:`change` would; False where there is none.

    Its MAC goes with the change, in one statement that was made before: to make one anew takes longer than to run it.
    """
    table, trail = table_of(model), trail_of(tx)
    found = tx.execute(_found(table, tuple(same)), same).one_or_none()
    if found is None:
        return False
    before = found._asdict()
    row = {**before, **values}
    last = trail.last(tx, table, [before] if is_followed(table, before) else [])
    known, content = _is_ours(trail, table, before, last), canonical(table, row)
    if known:
        row[MAC] = row_mac(trail.key, content)
        trail.note(table, row, content)
    tx.execute(_rewrite_some(table, *values, MAC), _bound(table, row, *values, MAC))
    trail.touch(table, row)
    return True


def change_ours(tx: Transaction, model: type, *where: ColumnElement[bool], **values: object) -> Sequence[Row[Any]]:
    """The same where there is a row as the broker wrote it last; else change nothing, and return none."""
    table = table_of(model)
    ours = _ours(tx, table, where, values)
    return _changed(tx, table, update(table).where(*where).values(**values), ours) if ours else ()


def move(tx: Transaction, model: type, *where: ColumnElement[bool], **values: object) -> Sequence[Row[Any]]:
    """The same as :func:`change` where *values* change the account: in a cluster a row cannot go to another node.

    There it is deleted and written anew; and one that the broker did not write last keeps a MAC that is false.
    """
    if not has_citus(tx):
        return change(tx, model, *where, **values)
    return written_anew(tx, model, *where, **values)


def written_anew(tx: Transaction, model: type, *where: ColumnElement[bool], **values: object) -> Sequence[Row[Any]]:
    """Delete the rows that *where* finds, and insert them as they are with *values*; return them as they were."""
    table, trail = table_of(model), trail_of(tx)
    ours = _ours(tx, table, where, values)
    rows = tx.execute(delete(table).where(*where).returning(*table.columns)).all()
    for found in rows:
        row = {**found._asdict(), **values}
        known = _key_of(table, row) in ours
        new, content = _marked(trail.key, table, {name: row[name] for name in content_of(table)})
        tx.execute(inserting(table), new if known else row)
        trail.touch(table, row)
        if known:
            trail.note(table, row, content)
    return rows


def marked(key: bytes, model: type, values: Values) -> Values:
    """A whole row with its MAC under *key*, for :func:`rewrite`: made before a transaction, it keeps nobody waiting."""
    return _marked(key, table_of(model), values)[0]


def rewrite(tx: Transaction, model: type, rows: Sequence[Values], *only: str) -> None:
    """Write *only* these columns of many rows anew, each :func:`marked`; of tables that the trail does not follow."""
    table = table_of(model)
    tx.execute(_rewrite_some(table, *only, MAC), [_bound(table, row, *only, MAC) for row in rows])


def rewrite_unchanged(tx: Transaction, model: type, rows: Sequence[Values], *only: str, was: Sequence[bytes]) -> bool:
    """The same of rows that still have the MACs that each *was* read with.

    False where one has not: some are written then, and the transaction is to be undone.
    """
    table = table_of(model)
    bound = [{**_bound(table, row, *only, MAC), "was": mac} for row, mac in zip(rows, was, strict=True)]
    return tx.execute(_rewrite_unchanged(table, *only, MAC), bound).rowcount == len(rows)


def is_as_written(tx: Transaction, table: Table, row: Values) -> bool:
    """Whether a row, given whole, is as the broker wrote it last."""
    trail = trail_of(tx)
    last = trail.last(tx, table, [row] if is_followed(table, row) else [])
    return _is_ours(trail, table, row, last)


def adopt(tx: Transaction, table: Table) -> None:
    """Give rows that are older than MACs theirs. Only a migration may: afterwards a row without one is a lie."""
    trail = trail_of(tx)
    unmarked = select(table).where(table.c[MAC].is_(None)).limit(_AT_ONCE)
    while rows := tx.execute(unmarked).all():
        for found in rows:
            _mark(tx, trail, table, found._asdict())
        trail.write(tx)


def drop(tx: Transaction, model: type, *where: ColumnElement[bool]) -> Sequence[Row[Any]]:
    """Delete the rows that *where* finds, and return them as they were."""
    table = table_of(model)
    return _gone(tx, table, tx.execute(delete(table).where(*where).returning(*table.columns)).all())


def drop_one(tx: Transaction, model: type, same: Values) -> None:
    """Delete the one row whose columns hold the *same*, if there is one."""
    _gone(tx, table_of(model), tx.execute(_deletion(table_of(model), tuple(same)), same).all())


def wipe(tx: Transaction, table: Table, *where: ColumnElement[bool]) -> int:
    """Delete the rows that *where* finds without a word, and say how many. Only an erasure may.

    The trail's own entries about them are emptied by :func:`broker.store.trail.blank_entries`.
    """
    return len(tx.execute(delete(table).where(*where).returning(literal(1))).all())


def _gone(tx: Transaction, table: Table, rows: Sequence[Row[Any]]) -> Sequence[Row[Any]]:
    for row in (found._asdict() for found in rows):
        trail_of(tx).touch(table, row)
        trail_of(tx).note(table, row, None)
    return rows


def _changed(
    tx: Transaction, table: Table, statement: Update, ours: Collection[tuple[object, ...]] | None
) -> Sequence[Row[Any]]:
    rows = tx.execute(statement.returning(*table.columns)).all()
    for found in rows:
        # Also a row that the broker did not write so: what is read of it from now on is what it says now.
        trail_of(tx).touch(table, found._asdict())
        if ours is None or _key_of(table, found._asdict()) in ours:
            _mark(tx, trail_of(tx), table, found._asdict())
    return rows


def _nothing_stays(table: Table, values: Values) -> bool:
    """Whether these values are all that a row holds beside its key: then there is nothing in it to bless."""
    return set(content_of(table)) <= {*primary_key_of(table), *values}


def _ours(
    tx: Transaction, table: Table, where: Sequence[ColumnElement[bool]], values: Values
) -> set[tuple[object, ...]]:
    """The keys, as they will be, of the rows that are as the broker wrote them last."""
    trail = trail_of(tx)
    # No stronger lock than the update's own: who holds a share of a person's key would be waited for, and wait too.
    held = select(table).where(*where).with_for_update(key_share=True)
    rows = [row._asdict() for row in tx.execute(held)]
    last = trail.last(tx, table, [row for row in rows if is_followed(table, row)])
    return {_key_of(table, {**row, **values}) for row in rows if _is_ours(trail, table, row, last)}


def _is_ours(trail: Trail, table: Table, row: Values, last: Mapping[bytes, Values]) -> bool:
    content = canonical(table, row)
    if not is_marked(row, row_mac(trail.key, content)):
        return False
    entry = last.get(row_key_digest(trail.key, table, row))
    return not is_followed(table, row) or (entry is not None and says(trail.key, entry, content))


def _key_of(table: Table, row: Values) -> tuple[object, ...]:
    return tuple(row[name] for name in primary_key_of(table))


def _mark(tx: Transaction, trail: Trail, table: Table, row: dict[str, object]) -> None:
    """Give a row that lies there already the MAC of what it holds."""
    content = canonical(table, row)
    tx.execute(_rewrite_some(table, MAC), _bound(table, {**row, MAC: row_mac(trail.key, content)}, MAC))
    trail.note(table, row, content)


def _marked(key: bytes, table: Table, values: Values) -> tuple[dict[str, object], bytes]:
    """A whole row with its MAC, and its content: what is not given is NULL, and what is no column a slip of the pen."""
    row = {name: values.get(name) for name in content_of(table)}
    if values.keys() - row.keys():
        raise TypeError(f"{table.name} has no {', '.join(sorted(values.keys() - row.keys()))}")
    content = canonical(table, row)
    return {**row, MAC: row_mac(key, content)}, content


def _bound(table: Table, row: Values, *only: str) -> dict[str, object]:
    """The parameters of a rewriting: the key finds the row, the other columns, or *only* some, are written."""
    key = primary_key_of(table)
    written = only or [name for name in row if name not in key]
    return {f"the_{name}": row[name] for name in key} | {f"new_{name}": row[name] for name in written}


@cache
def _found(table: Table, same: tuple[str, ...]) -> Select[Any]:
    # No stronger lock than an update's own: who holds a share of a person's key would be waited for, and wait too.
    return select(table).where(*_equal(table, same)).with_for_update(key_share=True)


@cache
def _deletion(table: Table, same: tuple[str, ...]) -> Any:  # noqa: ANN401 - a statement that returns rows
    return delete(table).where(*_equal(table, same)).returning(*table.columns)


def _equal(table: Table, names: Sequence[str]) -> list[ColumnElement[bool]]:
    return [table.c[name] == bindparam(name) for name in names]


@cache
def _rewrite_unchanged(table: Table, *names: str) -> Update:
    return _updating(table, names).where(table.c[MAC] == bindparam("was"))


@cache
def _rewrite_some(table: Table, *names: str) -> Update:
    return _updating(table, names)


def _updating(table: Table, names: Sequence[str]) -> Update:
    key = [table.c[name] == bindparam(f"the_{name}") for name in primary_key_of(table)]
    return update(table).where(*key).values({name: bindparam(f"new_{name}") for name in names})
