"""``GET /v1/reports/{kind}``: a client's own counts."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from flask import Blueprint, Response, jsonify, request

from broker.actions.report import Asked, Report, make_report
from broker.errors import MalformedRequest
from broker.oauth.context import current_broker
from broker.web.api import called_to_read
from broker.web.security import query
from broker.web.visiting import file_answers

_FOUR_WEEKS = timedelta(days=27)
#: Years that can be counted with: four weeks before the first and after the last there is a calendar still.
_YEARS = range(2000, 3000)
blueprint = Blueprint("reports", __name__, url_prefix="/v1/reports")


@blueprint.get("/<kind>")
def report(kind: str) -> Response:
    """Counts between two days, by ground (the default), purpose or week."""
    with called_to_read(scope="report"):
        pass
    file_answers(current_broker())
    # A report reads much and changes nothing: nobody who writes waits for it.
    with called_to_read(scope="report") as (tx, caller):
        client = caller.client
        broker, given = current_broker(), query(request)
        if set(given) - {"from", "to", "by"}:
            raise MalformedRequest("a report takes from, to and by, and nothing else")
        since, until = days(given.get("from"), given.get("to"), now=broker.now())
        asked = Asked(kind=kind, by=given.get("by", "ground"), since=since, until=until, client=client)
        made = make_report(tx, broker, asked)
    return jsonify(report_body(made))


def days(since: str | None, until: str | None, *, now: datetime) -> tuple[datetime, datetime]:
    """The whole UTC days of a report: it includes the day of *until*. Without any, the last four weeks.

    Only whole days: two reports a moment apart could be held against each other.
    """
    last = _day("to", until) if until is not None else now.date()
    first = _day("from", since) if since is not None else last - _FOUR_WEEKS
    return datetime.combine(first, time(), UTC), datetime.combine(last, time(), UTC) + timedelta(days=1)


def _day(name: str, text: str) -> date:
    try:
        moment = datetime.fromisoformat(text)
        day = (moment if moment.tzinfo is None else moment.astimezone(UTC)).date()
    except (ValueError, OverflowError) as error:
        raise MalformedRequest(f"{name} must be a day such as 2026-11-23") from error
    if day.year not in _YEARS:
        raise MalformedRequest(f"{name} must be a day of the years {_YEARS.start} to {_YEARS.stop - 1}")
    return day


def report_body(report: Report) -> dict[str, object]:
    """A report as it travels: counts, no ids, no names."""
    asked = report.asked
    return {
        "kind": asked.kind,
        "by": asked.by,
        "from": f"{asked.since:%Y-%m-%d}",
        "to": f"{asked.until - timedelta(days=1):%Y-%m-%d}",
        "cohort": report.cohort,
        "counts": [{"name": line.name, "count": line.number} for line in report.lines],
    }
