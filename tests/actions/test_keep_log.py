"""The log as it is kept: what waits is appended once, in order, and published; no two sequencers disagree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from operator import itemgetter
from pathlib import Path

import pytest
from builders import Clock, a_pen, all_at_once
from logs import Witnessed, a_keeper, backup, kept, left, mark_of, published_size
from watched import WatchedDatabase

from broker.actions import keep_log as keeping
from broker.actions.broker import Broker
from broker.actions.keep_log import BATCH, HeadMoved, append_leaves, chain_trail, keep_log, plan_chain, plan_step
from broker.actions.prove_leaf import prove_leaf
from broker.actions.watch_log import trouble_with_log
from broker.errors import LogForked
from broker.proof.batch import batch_root
from broker.proof.sdjwt import encode, payload_of
from broker.store.batches import latest_batch
from broker.store.database import Database
from broker.store.log import index_of, list_checkpoints
from broker.store.log_tables import CheckpointRow, LogTileRow
from broker.store.objections import EVERYONE, object_to
from broker.store.tables import LeafRow
from broker.store.trail import blank_entries
from broker.store.writing import table_of


@pytest.fixture
def keeper(database: WatchedDatabase, clock: Clock, tmp_path: Path) -> Broker:
    """Give a broker whose log this test keeps."""
    return a_keeper(database, tmp_path / "marks", clock=clock)


def object_once(broker: Broker) -> bytes:
    """Write a row that the trail follows, and return the account that it is about."""
    account = broker.random(32)
    with broker.database.transaction() as tx:
        object_to(tx, account, EVERYONE, why="it is my name", now=broker.now())
    return account


def waiting(broker: Broker) -> int:
    rows = backup(broker.database)["leaves"]
    return sum(row["leaf_index"] is None for row in rows)


def test_what_waits_is_in_the_next_checkpoint_and_proves_itself(keeper: Broker) -> None:
    for count in (1, 2, 300):
        leaves = kept(keeper, count)
        with keeper.database.reading() as tx:
            for leaf in leaves:
                proof = prove_leaf(tx, leaf)
                assert proof is not None
                proof.check(leaf)
    assert 303 == published_size(keeper) == mark_of(keeper)


def test_a_leaf_that_waits_has_no_proof_yet(keeper: Broker) -> None:
    kept(keeper)
    (leaf,) = left(keeper)
    append_leaves(keeper)  # in the tree, and in no checkpoint
    with keeper.database.reading() as tx:
        assert prove_leaf(tx, leaf) is None


def test_leaves_are_in_the_order_in_which_they_were_left(keeper: Broker, clock: Clock) -> None:
    leaves = []
    for _ in range(3):
        leaves += left(keeper)
        clock.passes(seconds=1)
    keep_log(keeper)
    with keeper.database.reading() as tx:
        assert [0, 1, 2] == [index_of(tx, leaf) for leaf in leaves]


def test_nothing_new_is_nothing_to_sign(keeper: Broker) -> None:
    kept(keeper)
    before = backup(keeper.database)
    keep_log(keeper)
    assert before == backup(keeper.database)


def test_a_tree_of_nothing_is_published_too(keeper: Broker) -> None:
    keep_log(keeper)
    assert 0 == published_size(keeper)


def test_what_was_written_is_chained_batch_upon_batch(keeper: Broker, clock: Clock) -> None:
    object_once(keeper)
    assert (1, 0) == (chain_trail(keeper), chain_trail(keeper))
    with keeper.database.reading() as tx:
        first = latest_batch(tx)
    clock.passes(seconds=1)
    object_once(keeper)
    keep_log(keeper)
    with keeper.database.reading() as tx:
        second = latest_batch(tx)
        assert first is not None
        assert second is not None
        assert (0, 1) == (index_of(tx, first.leaf), index_of(tx, second.leaf))
    _first, entry = sorted(backup(keeper.database)["trail"], key=itemgetter("number"))
    assert (1, 0) == (entry["batch"], entry["position"])
    said = payload_of(second.jwt)["batch"]
    assert (1, encode(batch_root([entry["digest"]])), encode(first.leaf)) == (
        said["number"], said["root"], said["previous"],
    )  # fmt: skip


def test_a_batch_over_entries_that_were_erased_meanwhile_is_undone(
    keeper: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = object_once(keeper)
    late = plan_chain(keeper)
    with keeper.database.transaction() as tx:
        assert 1 == len(blank_entries(tx, [account], erasure_id="an-erasure"))
    before = backup(keeper.database)
    monkeypatch.setattr(keeping, "plan_chain", lambda _broker: late)
    with pytest.raises(HeadMoved):
        chain_trail(keeper)
    assert before == backup(keeper.database)
    monkeypatch.undo()
    assert 1 == chain_trail(keeper)
    (entry,) = backup(keeper.database)["trail"]
    assert (0, 0, "an-erasure") == (entry["batch"], entry["position"], entry["erasure_id"])


def test_of_two_who_append_the_same_one_writes_and_the_other_writes_nothing(
    keeper: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    left(keeper, 3)
    late = plan_step(keeper)
    append_leaves(keeper)
    before = backup(keeper.database)
    monkeypatch.setattr(keeping, "plan_step", lambda _broker: late)
    with pytest.raises(HeadMoved):
        append_leaves(keeper)
    assert before == backup(keeper.database)


@pytest.fixture
def hosts(database: WatchedDatabase, tmp_path: Path) -> Iterator[list[Broker]]:
    """Give three hosts on one database, each with connections, marks and a clock of its own."""
    url = database.engine.url.render_as_string(hide_password=False)
    opened = [Database(url, pen=a_pen()) for _ in range(3)]
    yield [a_keeper(it, tmp_path / f"marks{number}") for number, it in enumerate(opened)]
    for it in opened:
        it.close()


def test_sequencers_at_once_do_no_harm(hosts: list[Broker]) -> None:
    witnessed, leaves = [Witnessed(host, hosts[0].log.marks / "seen") for host in hosts], []

    def work(number: int) -> None:
        for _ in range(6):
            leaves.extend(left(hosts[number], 7))
            try:
                keep_log(hosts[number], witnessed[number])
            except HeadMoved:
                continue

    outcomes = all_at_once(3, work)
    assert [] == [it for it in outcomes if it is not None]
    for host in hosts:
        keep_log(host)
    assert [] == list(witnessed[0].faults(leaves))
    assert 126 == published_size(hosts[0]) == mark_of(hosts[0]) == mark_of(hosts[2])


def test_a_host_that_only_looked_on_knows_what_was_signed(hosts: list[Broker]) -> None:
    first, second, _ = hosts
    kept(first, 5)
    assert 0 == mark_of(second)
    keep_log(second)
    assert 5 == mark_of(second)


def test_however_fast_leaves_come_what_there_is_gets_published(keeper: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "BATCH", 2)
    left(keeper, 2)

    def while_others_leave_more() -> datetime:
        left(keeper, 2)
        return keeper.now()

    keep_log(replace(keeper, now=while_others_leave_more))
    assert published_size(keeper)
    assert waiting(keeper)


def test_a_leaf_that_the_broker_did_not_leave_does_not_reach_the_log(keeper: Broker, clock: Clock) -> None:
    (genuine,) = left(keeper)
    (row,) = backup(keeper.database)["leaves"]
    with keeper.database.engine.begin() as tx:
        for data, mac in ((b"s" * 32, None), (b"t" * 32, row["mac"]), (b"u" * 32, b"m" * 32)):
            tx.execute(table_of(LeafRow).insert(), {**row, "leaf": data, "mac": mac})
    keep_log(keeper)
    with keeper.database.reading() as tx:
        assert [0, None] == [index_of(tx, genuine), index_of(tx, b"s" * 32)]
    assert 1 == published_size(keeper)
    assert trouble_with_log(keeper) is None
    clock.passes(seconds=11)
    assert "waited for the log" in str(trouble_with_log(keeper))


def test_however_many_somebody_else_inserts_they_keep_none_of_the_brokers_out(keeper: Broker, clock: Clock) -> None:
    row = {"kind": "receipt", "left_at": clock() - timedelta(days=1), "leaf_index": None, "mac": bytes(32)}
    with keeper.database.engine.begin() as raw:
        made = [{**row, "leaf": (2**255 + number).to_bytes(32)} for number in range(2 * BATCH)]
        raw.execute(table_of(LeafRow).insert(), made)
    genuine = left(keeper, BATCH + 3)
    keep_log(keeper)
    assert len(genuine) == published_size(keeper)


def test_of_the_checkpoints_of_one_minute_the_last_is_kept(keeper: Broker, clock: Clock) -> None:
    for second in (0, 20, 20, 20, 20):
        clock.passes(seconds=second)
        kept(keeper)
    with keeper.database.reading() as tx:
        assert [5, 3] == [it.size for it in list_checkpoints(tx, limit=9)]


def test_a_published_checkpoint_that_somebody_spoiled_is_signed_again(keeper: Broker) -> None:
    kept(keeper, 3)
    (before,) = backup(keeper.database)["checkpoints"]
    for spoiled in (before["note"].replace("/log", "/lag"), "nonsense", before["note"].split("\n\n")[0] + "\n\n"):
        with keeper.database.engine.begin() as tx:
            tx.execute(table_of(CheckpointRow).update().values(note=spoiled))
        keep_log(keeper)
        (after,) = backup(keeper.database)["checkpoints"]
        assert before["note"].split("\n\n")[0] == after["note"].split("\n\n")[0]


@pytest.mark.parametrize("tile", ["shorter", "longer", "gone"])
def test_a_tile_that_is_not_whole_stops_the_log_and_is_named(keeper: Broker, tile: str) -> None:
    kept(keeper, 5)
    left(keeper)
    table, (row,) = table_of(LogTileRow), backup(keeper.database)["log_tiles"]
    spoiled = {"shorter": row["hashes"][:128], "longer": row["hashes"] * 2, "gone": b""}[tile]
    with keeper.database.engine.begin() as tx:
        tx.execute(table.update().values(hashes=spoiled))
    with pytest.raises(LogForked, match="not whole"):
        keep_log(keeper)
    assert (5, 1) == (published_size(keeper), waiting(keeper))
