"""ISO 8601 durations in whole years, months, weeks and days: how long a consent is asked for."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from broker.errors import MalformedRequest

_FORM = re.compile(r"P(?=[0-9])(?:([0-9]{1,3})Y)?(?:([0-9]{1,3})M)?(?:([0-9]{1,3})W)?(?:([0-9]{1,4})D)?")
_MONTHS = 12
MAX_YEARS = 10
_ANY_DAY = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Duration:
    """A length of time on the calendar."""

    months: int
    days: int

    def after(self, moment: datetime) -> datetime:
        """*moment* plus this duration; the 31st of a shorter month is its last day."""
        index = moment.year * _MONTHS + moment.month - 1 + self.months
        year, month = divmod(index, _MONTHS)
        day = min(moment.day, monthrange(year, month + 1)[1])
        return moment.replace(year=year, month=month + 1, day=day) + timedelta(days=self.days)


def read_duration(text: str, *, what: str = "valid_for") -> Duration:
    """Return the duration written in *text*, from one day to ten years, or raise :class:`MalformedRequest`."""
    match = _FORM.fullmatch(text)
    if match is None:
        raise MalformedRequest(f"{what} must be a duration in years, months, weeks and days, such as P1Y or P90D")
    years, months, weeks, days = (int(part or 0) for part in match.groups())
    duration = Duration(months=years * _MONTHS + months, days=weeks * 7 + days)
    if not duration.months + duration.days > 0 or duration.after(_ANY_DAY) > _ANY_DAY.replace(
        year=_ANY_DAY.year + MAX_YEARS
    ):
        raise MalformedRequest(f"{what} must lie between one day and {MAX_YEARS} years")
    return duration
