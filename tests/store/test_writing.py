"""How rows are written: each with the MAC of what it holds, and those that last with an entry of the trail."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from builders import NOON, a_pen, an_id, undone
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Row, select

from broker.store.batches import Batch, latest_batch, placed, save_batch, waiting_entries
from broker.store.columns import metadata
from broker.store.database import Database
from broker.store.log_tables import TrailRow
from broker.store.objections import EVERYONE, lift_objection, object_to
from broker.store.routes import CODE, GRANT, add_route
from broker.store.row_mac import canonical, row_key_digest, row_mac
from broker.store.tables import RouteRow
from broker.store.terms_tables import ObjectionRow
from broker.store.trail import entry_mac
from broker.store.transaction import Transaction
from broker.store.writing import add, change, change_one, drop, put, table_of

ACCOUNT, KEY = b"a" * 16, a_pen().key
OBJECTIONS, TRAIL = metadata.tables["objections"], metadata.tables["trail"]


def entries(tx: Transaction) -> list[Row[tuple[object, ...]]]:
    """The trail, in order."""
    return list(tx.execute(select(TRAIL).order_by(TRAIL.c.number)).all())


def objection(tx: Transaction) -> dict[str, object]:
    """The one objection there is."""
    return tx.execute(select(OBJECTIONS)).one()._asdict()


def test_a_row_bears_the_mac_of_what_it_holds(database: Database) -> None:
    with database.transaction() as tx:
        object_to(tx, ACCOUNT, EVERYONE, why="page", now=NOON)
    with database.transaction() as tx:
        change(tx, ObjectionRow, OBJECTIONS.c.account == ACCOUNT, why="letter")
    with database.reading() as tx:
        row = objection(tx)
    members = (
        '"account":"YWFhYWFhYWFhYWFhYWFhYQ"', '"client_id":"*"',
        '"objected_at":"2026-11-23T12:00:00.000000+00:00"', '"why":"letter"',
    )  # fmt: skip
    content = f'{{"row":{{{",".join(members)}}},"table":"objections"}}'.encode()
    assert content == canonical(OBJECTIONS, row)
    assert hmac.digest(KEY, content, hashlib.sha256) == row["mac"]


def test_an_entry_holds_a_salted_digest_of_the_row_and_a_keyed_one_of_its_key(database: Database) -> None:
    with database.transaction() as tx:
        object_to(tx, ACCOUNT, EVERYONE, why="page", now=NOON)
        (row,) = [objection(tx)]
    with database.reading() as tx:
        (entry,) = entries(tx)
    assert hashlib.sha256(entry.salt + canonical(OBJECTIONS, row)).digest() == entry.digest
    assert row_key_digest(KEY, OBJECTIONS, row) == entry.row_key
    assert ("objections", False, None, 16) == (entry.row_table, entry.gone, entry.batch, len(entry.salt))


def test_of_several_writings_in_a_transaction_the_last_leaves_an_entry(database: Database) -> None:
    with database.transaction() as tx:
        object_to(tx, ACCOUNT, EVERYONE, why="page", now=NOON)
        object_to(tx, ACCOUNT, EVERYONE, why="letter", now=NOON)
        row = objection(tx)
    with database.reading() as tx:
        (entry,) = entries(tx)
    assert hashlib.sha256(entry.salt + canonical(OBJECTIONS, row)).digest() == entry.digest


def test_a_row_that_is_deleted_leaves_an_entry_that_says_so_and_of_which(database: Database) -> None:
    with database.transaction() as tx:
        object_to(tx, ACCOUNT, EVERYONE, why="page", now=NOON)
    with database.transaction() as tx:
        lift_objection(tx, ACCOUNT, EVERYONE)
    with database.reading() as tx:
        first, last = entries(tx)
    said = b'{"gone":"%s","table":"objections"}' % first.row_key.hex().encode()
    assert (True, hashlib.sha256(last.salt + said).digest()) == (last.gone, last.digest)
    assert first.row_key == last.row_key


def test_a_name_that_leads_somewhere_for_minutes_leaves_none(database: Database) -> None:
    with database.transaction() as tx:
        add_route(tx, CODE, "a code", account=ACCOUNT, target="", expires_at=NOON)
        add_route(tx, GRANT, "a grant", account=ACCOUNT, target="")
    with database.reading() as tx:
        assert 1 == len(entries(tx))


def test_a_row_that_is_put_is_written_once_and_then_anew(database: Database) -> None:
    key = {"account": ACCOUNT, "client_id": EVERYONE}
    for why in ("page", "letter"):
        with database.transaction() as tx:
            put(tx, ObjectionRow, key, {"objected_at": NOON, "why": why})
    with database.reading() as tx:
        assert ("letter", 2) == (objection(tx)["why"], len(entries(tx)))


def test_a_mac_covers_an_entrys_place_once_it_has_one(database: Database) -> None:
    with database.transaction() as tx:
        object_to(tx, ACCOUNT, EVERYONE, why="page", now=NOON)
    with database.transaction() as tx:
        (waiting,) = entries(tx)
        assert entry_mac(KEY, {**waiting._asdict(), "number": 77}) == waiting.mac
        batch = Batch(number=0, jwt="a batch", leaf=b"l" * 32, made_at=NOON)
        found = waiting_entries(tx, limit=10, key=KEY)
        rows = placed(batch, found, key=KEY)
        assert save_batch(tx, batch, found, rows)
        assert not save_batch(tx, batch, found, rows)
        assert batch == latest_batch(tx)
        assert not save_batch(tx, replace(batch, number=1, leaf=b"m" * 32), found, rows)  # these are chained
    with database.reading() as tx:
        (chained,) = entries(tx)
    assert (0, 0) == (chained.batch, chained.position)
    assert entry_mac(KEY, chained._asdict()) == chained.mac
    assert entry_mac(KEY, {**chained._asdict(), "number": 77}) != chained.mac


def test_what_is_no_column_is_a_slip_of_the_pen(database: Database) -> None:
    with pytest.raises(TypeError, match="objections has no whose"), database.transaction() as tx:
        add(tx, ObjectionRow, account=ACCOUNT, client_id=EVERYONE, objected_at=NOON, whose="mine")
    with pytest.raises(TypeError, match="a row holds no set"), database.transaction() as tx:
        add(tx, ObjectionRow, account=ACCOUNT, client_id=EVERYONE, objected_at=NOON, why={"one"})


@given(
    one=st.none() | st.text() | st.integers() | st.binary() | st.booleans(),
    many=st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False) | st.text() | st.integers(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ),
    when=st.datetimes(timezones=st.timezones()),
)
def test_a_row_is_written_as_pythons_own_json_would_be(one: object, many: object, when: datetime) -> None:
    row = {"client_id": one, "account": b"a?>", "objected_at": when, "why": many}
    plain = {
        "account": "YT8-",
        "client_id": urlsafe_b64encode(one).rstrip(b"=").decode() if isinstance(one, bytes) else one,
        "objected_at": when.astimezone(UTC).isoformat(timespec="microseconds"),
        "why": many,
    }
    written = json.dumps(
        {"row": plain, "table": "objections"}, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    assert written.encode() == canonical(OBJECTIONS, row)


def test_one_row_changes_with_its_mac_and_one_that_was_spoilt_keeps_a_false_one(database: Database) -> None:
    one = {"account": ACCOUNT, "client_id": EVERYONE}
    with database.transaction() as tx:
        assert not change_one(tx, ObjectionRow, one, why="letter")
        object_to(tx, ACCOUNT, EVERYONE, why="page", now=NOON)
    with database.transaction() as tx:
        assert change_one(tx, ObjectionRow, one, why="letter")
        row = objection(tx)
        assert ("letter", row_mac(KEY, canonical(OBJECTIONS, row))) == (row["why"], row["mac"])
    with database.engine.begin() as raw:
        raw.execute(OBJECTIONS.update().values(objected_at=NOON.replace(year=2025)))
    with database.transaction() as tx:
        assert change_one(tx, ObjectionRow, one, why="page again")
        spoilt = objection(tx)
        assert ("page again", row["mac"]) == (spoilt["why"], spoilt["mac"])
        assert 2 == len(entries(tx))


def test_without_the_key_of_its_rows_a_database_is_only_read(own_sqlite: Database) -> None:
    blind = Database(str(own_sqlite.engine.url))
    with pytest.raises(TypeError, match="it can be read, not written"), blind.transaction() as tx:
        add(tx, ObjectionRow, account=ACCOUNT, client_id=an_id("client"), objected_at=NOON, why="page")
    with pytest.raises(TypeError, match="without the key"):
        assert blind.row_key
    blind.close()


def test_what_is_undone_leaves_neither_row_nor_entry(database: Database) -> None:
    with undone(database) as tx:
        object_to(tx, ACCOUNT, EVERYONE, why="page", now=NOON)
    with database.reading() as tx:
        assert [] == entries(tx)


def test_what_never_was_is_not_deleted(database: Database) -> None:
    with database.transaction() as tx:
        assert [] == list(drop(tx, RouteRow, table_of(RouteRow).c.kind == "none"))
        assert [] == list(change(tx, TrailRow, TRAIL.c.number == 0, gone=True))
