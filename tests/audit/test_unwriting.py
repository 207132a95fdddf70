"""A permit cannot be unwritten: whatever a superuser takes away besides, the next thing in the chain names it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from audit.spoilt import Spoilt
from audit.superuser import Row, key_of

from broker.proof.highwater import HighWater, read_high_water, write_high_water
from broker.store.columns import metadata
from broker.store.row_mac import row_key_digest


class Permit:
    """A permit, its entry of the trail, the batch of that and its leaf, as a superuser finds them."""

    def __init__(self, spoilt: Spoilt) -> None:
        self.spoilt, self.user, rows = spoilt, spoilt.user, spoilt.rows
        self.row = next(row for row in rows["decisions"] if row["permitted"])
        name = row_key_digest(spoilt.broker.database.row_key, metadata.tables["decisions"], self.row)
        (self.entry,) = [entry for entry in rows["trail"] if entry["row_key"] == name]
        (self.batch,) = [batch for batch in rows["batches"] if batch["number"] == self.entry["batch"]]
        (self.leaf,) = [leaf for leaf in rows["leaves"] if leaf["leaf"] == self.batch["leaf"]]

    def unwrite(self, *, entry: bool = False, batch: bool = False, leaf: bool = False) -> None:
        """Delete the permit, and what else is asked."""
        self.user.delete("decisions", self.row)
        for table, row, too in (
            ("trail", self.entry, entry),
            ("batches", self.batch, batch),
            ("leaves", self.leaf, leaf),
        ):
            if too:
                self.user.delete(table, row)

    def named(self) -> set[tuple[str, str]]:
        """What the audit names."""
        return {(finding.table, finding.key) for finding in self.spoilt.findings()}


@pytest.fixture
def permit(spoilt: Spoilt) -> Iterator[Permit]:
    """Give a permit that was chained long ago."""
    mark = read_high_water(spoilt.broker.log.marks)
    yield Permit(spoilt)
    write_high_water(spoilt.broker.log.marks, mark)


def test_a_permit_that_was_deleted_is_named_by_its_entry(permit: Permit) -> None:
    permit.unwrite()
    assert {("decisions", f"#{permit.entry['row_key'].hex()}")} == permit.named()


def test_a_permit_that_was_turned_into_a_denial_is_named(permit: Permit) -> None:
    permit.user.update("decisions", permit.row, {"permitted": False})
    assert {("decisions", key_of("decisions", permit.row))} == permit.named()


def test_without_its_entry_it_is_named_by_the_batch(permit: Permit) -> None:
    permit.unwrite(entry=True)
    assert ("trail", f"batch {permit.batch['number']} place {permit.entry['position']}") in permit.named()


def test_a_batch_that_was_edited_to_fit_is_named_and_so_is_what_it_lacks(permit: Permit) -> None:
    permit.unwrite(entry=True)
    others = [row for row in permit.spoilt.rows["batches"] if row["number"] != permit.batch["number"]]
    permit.user.update("batches", permit.batch, {"jwt": others[0]["jwt"]})
    assert ("batches", str(permit.batch["number"])) in permit.named()


def test_without_the_batch_its_leaf_is_one_of_nothing(permit: Permit) -> None:
    permit.unwrite(batch=True)
    for entry in [row for row in permit.spoilt.rows["trail"] if row["batch"] == permit.batch["number"]]:
        permit.user.delete("trail", entry)
    assert {("batches", str(permit.batch["number"])), ("leaves", permit.leaf["leaf"].hex())} <= permit.named()


def test_without_the_leaf_the_tiles_and_the_checkpoints_name_it(permit: Permit) -> None:
    permit.unwrite(entry=True, batch=True, leaf=True)
    assert ("leaves", f"index {permit.leaf['leaf_index']}") in permit.named()


def test_a_log_whose_tail_was_cut_is_named_by_the_mark_outside(permit: Permit) -> None:
    cut = permit.leaf["leaf_index"]
    permit.unwrite(entry=True, batch=True)
    for leaf in [row for row in permit.spoilt.rows["leaves"] if (row["leaf_index"] or 0) >= cut]:
        permit.user.delete("leaves", leaf)
    for point in [row for row in permit.spoilt.rows["checkpoints"] if row["size"] > cut]:
        permit.user.delete("checkpoints", point)
    _roll_back(permit, "log_head", lambda row: row["size"] <= cut)
    named = permit.named()
    assert ("log_head", "1") in named
    assert {
        ("leaves", f"index {index}") for index in range(cut, read_high_water(permit.spoilt.broker.log.marks).size)
    } <= named


def _roll_back(permit: Permit, table: str, then: object) -> None:
    old = [row for row in permit.spoilt.past[table] if callable(then) and then(row)]
    if old:
        (now,) = permit.spoilt.rows[table]
        permit.user.update(table, now, old[-1])


def test_another_tree_than_the_one_that_was_signed_is_named(permit: Permit) -> None:
    marks = permit.spoilt.broker.log.marks
    write_high_water(marks, HighWater(size=read_high_water(marks).size, root=b"\7" * 32))
    assert {("log_head", "1")} == permit.named()


@pytest.mark.parametrize("table", ["consents", "receipts", "statements", "erasures", "policy_texts", "status_entries"])
def test_what_else_is_taken_away_with_its_entries_is_named_by_the_batches(spoilt: Spoilt, table: str) -> None:
    row: Row = spoilt.rows[table][0]
    name = row_key_digest(spoilt.broker.database.row_key, metadata.tables[table], row)
    entries = [entry for entry in spoilt.rows["trail"] if entry["row_key"] == name]
    for entry in entries:
        spoilt.user.delete("trail", entry)
    spoilt.user.delete(table, row)
    places = {("trail", f"batch {entry['batch']} place {entry['position']}") for entry in entries}
    assert places <= {(finding.table, finding.key) for finding in spoilt.findings()}
