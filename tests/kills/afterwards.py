"""What must hold after workers were killed: whatever was told is there, whole, and found by whom it is about."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from harness.running import RunningBroker
from invariants_of_sheets import faults_of_sheets
from kills.fire import Fire, Told
from raw_rows import Rows

from broker.actions.broker import Broker
from broker.app import open_broker
from broker.core.identifiers import PlatformAccount
from broker.settings import read_settings
from broker.store.questions import questions_about
from broker.store.sheet_tables import SheetEntriesRow, SheetRow
from broker.store.writing import table_of

#: Seconds until a decision that was acknowledged is found by its person, whatever died on the way.
SOON = 10.0


def faults(fire: Fire, *, within: float = SOON) -> Iterator[str]:
    """Name what was told and is not there within so many seconds, and what is there by halves."""
    yield from fire.told.wrong
    with opened(fire.broker) as broker:
        yield from _missing_decisions(broker, fire.told, within)
        yield from _halves(broker, fire)
    yield from _missing_consents(fire)
    audited = fire.broker.run("audit")
    if audited.returncode:
        yield f"the audit: {audited.stdout}{audited.stderr}"


@contextmanager
def opened(running: RunningBroker) -> Iterator[Broker]:
    """The same broker in this process, to look at."""
    broker = open_broker(read_settings(running.env).as_keeper())
    try:
        yield broker
    finally:
        broker.database.close()
        if broker.keeping:
            broker.keeping.close()


def _missing_decisions(broker: Broker, told: Told, within: float) -> Iterator[str]:
    ends, missing, is_over = time.monotonic() + within, told.decisions, False
    # To look for a million takes longer than that: whatever is missing is looked for once more when the time is over.
    while missing and not is_over:
        time.sleep(0.1)
        is_over = time.monotonic() >= ends
        missing = _not_found(broker, missing)
    for who, ids in missing.items():
        yield f"{who} does not find {len(ids)} of {len(told.decisions[who])} decisions, {min(ids)} among them"


def _not_found(broker: Broker, sought: Mapping[str, set[str]]) -> dict[str, set[str]]:
    found = {who: ids - _found(broker, who) for who, ids in sought.items()}
    return {who: ids for who, ids in found.items() if ids}


def _found(broker: Broker, who: str) -> set[str]:
    account = broker.blinder.account(PlatformAccount(platform="x", id=who))
    with broker.database.reading() as tx:
        return {told.decision_id for told in questions_about(tx, account)}


def _halves(broker: Broker, fire: Fire) -> Iterator[str]:
    rows: Rows = {}
    with broker.database.reading() as tx:
        sheets, entries = table_of(SheetRow), table_of(SheetEntriesRow)
        own = sheets.select().where(sheets.c.client_id == fire.business.client_id)
        rows["sheets"] = [row._asdict() for row in tx.execute(own)]
        named = {row["sheet_id"] for row in rows["sheets"]}
        of_own = entries.select().order_by(entries.c.sheet_id)
        rows["sheet_entries"] = [row._asdict() for row in tx.execute(of_own) if row.sheet_id in named]
    yield from faults_of_sheets(rows)
    answers = {row["sheet_id"]: row["answers"] for row in rows["sheets"]}
    for sheet_id, number in fire.told.batches.items():
        if answers.get(sheet_id) != number:
            yield f"of a batch of {number} answers, {answers.get(sheet_id)} are on the sheet {sheet_id}"


def _missing_consents(fire: Fire) -> Iterator[str]:
    for account, email in fire.told.consents:
        answer = fire.business.match(account, email)
        if not answer["decision"]:
            yield f"the consent of {account} for {email} is not there: {answer['context'].get('reason')}"
