"""What a person has just done on their page, told only where the store says the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from broker.actions.list_businesses import Businesses
from broker.actions.list_consents import Answers
from broker.store.signals import Signal

#: In an address, in place of the id of one business or one consent.
ALL = "all"


@dataclass(frozen=True, kw_only=True)
class News:
    """What happened: ``ended``, ``objected`` or ``lifted``; to one ``business``, or to all where it is None.

    ``signal-lifted`` and ``signal-heeded`` are about what the browser signals.
    """

    kind: str
    business: str | None = None


def news_of(told: Mapping[str, str], answers: Answers, businesses: Businesses) -> News | None:
    """Read the address that a form led to. It may be old, or anybody's: what is no longer so is not told."""
    return _ended(told.get("ended"), answers) or _objected(told, businesses) or _signalled(told, businesses.signal)


def _ended(named: str | None, answers: Answers) -> News | None:
    ended = [view for view in answers.consents if not view.live]
    if named == ALL and ended and not answers.live:
        return News(kind="ended")
    one = next((view for view in ended if view.grant_id == named), None)
    return News(kind="ended", business=one.business) if one else None


def _signalled(told: Mapping[str, str], signal: Signal | None) -> News | None:
    choice = told.get("signal")
    if signal is None or choice not in {"lift", "heed"} or (choice == "heed") is not signal.stands:
        return None
    return News(kind="signal-heeded" if signal.stands else "signal-lifted")


def _objected(told: Mapping[str, str], businesses: Businesses) -> News | None:
    for kind, stands in (("objected", True), ("lifted", False)):
        named = told.get(kind)
        if named == ALL and (businesses.objected_at is not None) is stands:
            return News(kind=kind)
        one = businesses.named(named)
        if one and (one.objected_at is not None) is stands:
            return News(kind=kind, business=one.business)
    return None
