"""An audit looks at one moment: whatever is written while it walks, it names no row that is as it should be."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Event

import pytest
from builders import a_broker, a_pen, a_question, an_account, asked, consented, registered
from lives import erased, with_marks

from broker.actions.audit import audit
from broker.actions.broker import Broker
from broker.actions.keep_log import HeadMoved, keep_log
from broker.actions.withdraw_consent import withdraw_consent
from broker.app import now
from broker.core.client import Client
from broker.store.auditing import Finding
from broker.store.database import Database
from broker.store.migrating import migrate


@pytest.fixture
def busy(database_url: str, tmp_path: Path) -> Broker:
    """Give a broker with a clock that goes."""
    database = Database(database_url, pen=a_pen())
    migrate(database)
    return with_marks(a_broker(database, clock=now), tmp_path / "marks")


def lives(broker: Broker, client: Client, number: int) -> None:
    """A person says yes, is asked about, takes it back; one of three is erased."""
    account = an_account(str(5_000_000 + number), f"Busy{number}")
    record = consented(broker, client, account)
    for _ in range(5):
        asked(broker, client, a_question(account))
    with broker.database.transaction() as tx:
        withdraw_consent(tx, broker, account=record.account, grant_id=record.grant_id)
    if number % 3 == 0:
        erased(broker, account)


_LIVES = 8


def test_nothing_is_named_while_others_write_and_the_log_is_kept(busy: Broker) -> None:
    client, stop, walked = registered(busy), Event(), list[int]()
    findings: list[Finding] = []

    def write() -> None:
        try:
            for number in range(_LIVES):
                lives(busy, client, number)
        finally:
            stop.set()

    def keep() -> None:
        while not stop.wait(0.05):
            with suppress(HeadMoved):
                keep_log(busy)

    with ThreadPoolExecutor(2) as pool:
        done = [pool.submit(write), pool.submit(keep)]
        while not stop.is_set():
            walked.append(audit(busy, findings.append)["rows"])
        assert [None, None] == [one.result(timeout=20) for one in done]
    keep_log(busy)
    audit(busy, findings.append)
    busy.database.close()
    assert [] == findings
    assert len(set(walked)) > 1
