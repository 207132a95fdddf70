"""What comes to a consent by itself: its client is told ahead of the end, and then it ends."""

from __future__ import annotations

from datetime import datetime, timedelta

#: How long before the end the client is told: time to ask again where the person comes by anyway, and a last call.
AHEAD = (timedelta(days=30), timedelta(days=7))


def reminders(given_at: datetime, valid_until: datetime) -> tuple[datetime, ...]:
    """When the client is told ahead, the first first; never before half of the consent's life is over."""
    life = valid_until - given_at
    return tuple(sorted({valid_until - min(ahead, life / 2) for ahead in AHEAD}))


def due_after(moment: datetime, *, given_at: datetime, valid_until: datetime) -> datetime:
    """The next that comes after *moment*: a reminder, or else the end. One that was missed does not come later."""
    return next((at for at in reminders(given_at, valid_until) if at > moment), valid_until)
