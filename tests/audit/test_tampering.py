"""Whatever a superuser does to a row is named by the audit; what it cannot see is counted, and is no more than that."""

from __future__ import annotations

import os
from random import Random

import pytest
from audit.spoilt import Spoilt
from audit.tampering import Deed

from broker.store.auditing import Finding
from broker.store.trail import NOT_FOLLOWED, UNMARKED

#: With AUDIT=long a thousand single deeds on each database; else a few, and every table at once.
LONG = os.environ.get("AUDIT") == "long"
SINGLE = {"sqlite": 1000 if LONG else 12, "postgresql": 1000 if LONG else 6}
KINDS = ("edit", "edit", "edit", "delete", "swap", "copy", "put_back")
#: What lives for minutes may vanish, or be put back, unseen: the trail follows none of it.
UNSEEN = NOT_FOLLOWED - {
    *("leaves", "log_head", "log_tiles", "checkpoints", "trail", "batches", "contacts", "deliveries", "sheet_entries")
}


def seeded(seed: int | str) -> Random:
    """Chance that comes again."""
    return Random(seed)  # noqa: S311 - a test wants its run again, not secrecy


def unnamed(deeds: list[Deed], findings: list[Finding]) -> list[str]:
    """The deeds that no finding names."""
    names = {(finding.table, finding.key) for finding in findings}
    told = "\n".join(map(str, findings[:5]))
    return [f"{deed}\n{told}" for deed in deeds if not names & deed.names]


def is_seen(deed: Deed) -> bool:
    """Whether the audit can know of it."""
    if deed.table == "deliveries":  # of the same event: at worst it is told once more
        return not deed.what.startswith("an old version")
    return deed.table not in UNSEEN or not deed.what.startswith(("a row deleted", "an old version"))


def test_a_history_that_nobody_spoilt_agrees(spoilt: Spoilt) -> None:
    assert [] == spoilt.findings()
    # What bears no MAC is trusted with nothing, and kept on PostgreSQL alone.
    assert {table for table, rows in spoilt.rows.items() if not rows} == UNMARKED


def test_any_single_deed_is_named(spoilt: Spoilt) -> None:
    chance, done, missed, unseen = seeded(6), 0, list[str](), 0
    while done < SINGLE[spoilt.broker.database.engine.dialect.name]:
        deed = getattr(spoilt.tampering, chance.choice(KINDS))(chance.choice(list(spoilt.rows)), chance)
        if deed is not None:
            findings, done = spoilt.findings(), done + 1
            missed += unnamed([deed], findings) if is_seen(deed) else []
            unseen += not is_seen(deed)
        spoilt.put_back()
    assert [] == missed, f"{len(missed)} of {done}, {unseen} left aside"


@pytest.mark.parametrize("kind", ["edit", "edit again", "edit once more", "swap", "copy"])
def test_a_row_of_every_table_is_named_when_all_are_spoilt_at_once(spoilt: Spoilt, kind: str) -> None:
    chance = seeded(kind)
    deeds = [getattr(spoilt.tampering, kind.partition(" ")[0])(table, chance) for table in spoilt.rows]
    assert [] == unnamed([deed for deed in deeds if deed], spoilt.findings())


@pytest.mark.parametrize("table", sorted(set(NOT_FOLLOWED) - UNSEEN))
def test_of_the_log_and_of_what_is_counted_nothing_can_be_taken_away(spoilt: Spoilt, table: str) -> None:
    deed = spoilt.tampering.delete(table, seeded(table))
    assert deed is not None
    assert [] == unnamed([deed], spoilt.findings())


def test_every_row_that_was_put_back_as_it_once_was_is_named(spoilt: Spoilt) -> None:
    chance = seeded("put back")
    tables = sorted(table for table, rows in spoilt.past.items() if rows and table not in NOT_FOLLOWED)
    deeds = [deed for table in tables if (deed := spoilt.tampering.put_back(table, chance))]
    assert {"associations", "consents", "people", "sheets", "status_entries"} <= {deed.table for deed in deeds}
    assert [] == unnamed(deeds, spoilt.findings())


def test_a_group_of_a_sheet_that_was_put_back_as_it_once_was_is_named(spoilt: Spoilt) -> None:
    deed = spoilt.tampering.put_back("sheet_entries", seeded("put back"))
    assert deed is not None
    assert [] == unnamed([deed], spoilt.findings())


def test_an_entry_that_was_emptied_and_put_back_is_told_by_its_erasure(spoilt: Spoilt) -> None:
    emptied = {row["number"]: row["erasure_id"] for row in spoilt.rows["trail"] if row["erasure_id"]}
    for old in [row for row in spoilt.past["trail"] if row["number"] in emptied and row["batch"] is not None]:
        spoilt.user.update("trail", old, old)
    assert {("erasures", "e" * 26)} <= {(finding.table, finding.key) for finding in spoilt.findings()}
