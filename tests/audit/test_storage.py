"""Whatever lies in a column, the audit tells the row and goes on: another type, another writing, no text at all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from audit.spoilt import Spoilt
from audit.superuser import POSTGRES_TIMES, key_of

SQLITE = {
    "bytes of the same letters": ("consents", "receipt_id = CAST(receipt_id AS BLOB)", "holds bytes where text"),
    "base64 of the bytes": ("receipts", "leaf = 'AAAA'", "holds text where bytes"),
    "a truth that is 2": ("decisions", "permitted = 2", "where a truth belongs"),
    "a fraction": ("status_entries", "value = 0.5", "holds a fraction where a number"),
    "text that is no UTF-8": ("notices", "text = CAST(x'ff41' AS TEXT)", "no UTF-8"),
    "a time without its fraction": ("consents", "given_at = substr(given_at, 1, 19)", "no time as"),
    "a day that no month has": ("consents", "given_at = '2026-02-31 12:00:00.000000'", "no time as"),
    "a number for a time": ("events", "occurred_at = 5", "no time as"),
    "JSON with a blank more": ("consents", "purposes = ' ' || purposes", "written otherwise"),
    "JSON with a member twice": ("clients", "registration = '{\"a\": 1, ' || substr(registration, 2)", "its MAC"),
    "JSON of half a letter": ("consents", "purposes = '[\"\\ud800\"]'", "cannot be read"),
    "no JSON": ("consents", "purposes = '['", "holds no JSON"),
    "JSON too deep to read": ("consents", f"purposes = '{'[' * 100000}'", "holds no JSON"),
    "a name for a number": ("standings", "number = 'no ' || number", "holds text where a number"),
    "nothing where something may be": ("consents", "brand = 7", "holds"),
}  # fmt: skip


@pytest.fixture
def sqlite(sqlite_spoilt: Spoilt) -> Iterator[Spoilt]:
    """Give the history on SQLite, which takes anything in any column."""
    yield sqlite_spoilt
    sqlite_spoilt.put_back()


@pytest.mark.parametrize(("table", "changes", "says"), SQLITE.values(), ids=SQLITE.keys())
def test_what_sqlite_takes_in_a_column_is_told_and_nothing_else_is_missed(
    sqlite: Spoilt, table: str, changes: str, says: str
) -> None:
    sqlite.user.run(f'UPDATE "{table}" SET {changes}')  # noqa: S608 - a test's own
    sqlite.user.run("UPDATE links SET platform = 'y'")
    findings = sqlite.findings()
    told = {finding.key for finding in findings if finding.table == table and says in finding.wrong}
    assert {key_of(table, row) for row in sqlite.user.rows(table)} == told
    assert {"links"} <= {finding.table for finding in findings}


@pytest.mark.postgres
@pytest.mark.parametrize("time", POSTGRES_TIMES)
def test_a_time_that_no_clock_shows_is_told(postgres_spoilt: Spoilt, time: str) -> None:
    postgres_spoilt.user.run("UPDATE consents SET given_at = ?", [time])
    told = {finding.key for finding in postgres_spoilt.findings() if "no time as the broker" in finding.wrong}
    postgres_spoilt.put_back()
    assert {key_of("consents", row) for row in postgres_spoilt.rows["consents"]} == told


def test_what_is_told_shows_no_value_but_keys(sqlite: Spoilt) -> None:
    sqlite.user.run("UPDATE people SET platform = 'jane.canary@mailbox.example'")
    sqlite.user.run("UPDATE notices SET text = 'jane.canary@mailbox.example'")
    assert "canary" not in "".join(map(str, sqlite.findings()))


def test_a_table_that_is_gone_is_told(sqlite: Spoilt) -> None:
    sqlite.user.run("ALTER TABLE rulings RENAME TO rulings_elsewhere")
    sqlite.user.run("ALTER TABLE notices RENAME COLUMN text TO words")
    told = {finding.table for finding in sqlite.findings()}
    sqlite.user.run("ALTER TABLE rulings_elsewhere RENAME TO rulings")
    sqlite.user.run("ALTER TABLE notices RENAME COLUMN words TO text")
    assert {"rulings", "notices.text"} == told
