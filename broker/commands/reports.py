"""``broker report``: the operator's counts, over all clients, and how often each clause decided."""

from __future__ import annotations

import argparse
import json
from datetime import datetime, timedelta

from broker.actions.broker import Broker
from broker.actions.file_tapes import file_tapes
from broker.actions.report import BY_OPERATOR, Asked, count_clauses, make_report
from broker.commands.opening import command, opened
from broker.errors import CommandRefused
from broker.store.transaction import Transaction
from broker.web.reports import days, report_body

_REFUSALS = "refusals"
#: What each kind may be divided by; the first is what it is divided by unless something else is asked.
_DIVISIONS = {
    "decisions": BY_OPERATOR,
    "consents": tuple(by for by in BY_OPERATOR if by != "clause"),
    _REFUSALS: ("clause",),
}
_NOTES = """\
decisions   answers to matches and contact checks
consents    consents given, by what became of them
refusals    what the terms refused that is no decision about an account:
            registrations, consent requests, handovers, reports, calls of a
            suspended client; always by clause

Days are whole and UTC. Lines of fewer people than the terms' cohort are put
together as "other"; a report that would still count too few is refused.

How often did each clause decide?  broker report decisions --by clause
                                   broker report refusals"""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``broker report ...``."""
    report = command(
        commands, "report", _report, "count decisions, consents or refusals over all clients, as JSON", _NOTES
    )
    report.add_argument("kind", choices=_DIVISIONS, help="what is counted, see below")
    report.add_argument("--by", choices=BY_OPERATOR, help="what to divide by (ground; refusals: clause)")
    report.add_argument("--from", dest="since", metavar="DAY", help="first day, YYYY-MM-DD (four weeks ago)")
    report.add_argument("--to", dest="until", metavar="DAY", help="last day, YYYY-MM-DD (today)")


def _report(asked: argparse.Namespace) -> int:
    by = asked.by or _DIVISIONS[asked.kind][0]
    if by not in _DIVISIONS[asked.kind]:
        raise CommandRefused(f"{asked.kind} are counted by {', '.join(_DIVISIONS[asked.kind])}, not by {by}")
    _settings, broker = opened()
    file_tapes(broker, at_once=True)
    since, until = days(asked.since, asked.until, now=broker.now())
    with broker.database.reading() as tx:
        if asked.kind == _REFUSALS:
            body = _refusals(tx, broker, since=since, until=until)
        else:
            body = report_body(make_report(tx, broker, Asked(kind=asked.kind, by=by, since=since, until=until)))
    print(json.dumps(body, indent=2, ensure_ascii=False))
    return 0


def _refusals(tx: Transaction, broker: Broker, *, since: datetime, until: datetime) -> dict[str, object]:
    """Every clause with its count, zeros too: a clause that never refused anything is worth knowing."""
    counted = count_clauses(tx, broker, since=since, until=until)
    return {
        "kind": _REFUSALS,
        "by": "clause",
        "from": f"{since:%Y-%m-%d}",
        "to": f"{until - timedelta(days=1):%Y-%m-%d}",
        "counts": [{"name": clause, "count": number} for clause, number in counted],
    }
