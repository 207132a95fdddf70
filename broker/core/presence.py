"""How an account stands at its platform, as far as the platform was last heard to say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Presence:
    """Since when an account is known to be gone (deactivated, suspended, deleted), and to be protected; None: not so.

    Which of the three it is that made an account go is the platform's affair: nothing here depends on it.
    """

    gone_at: datetime | None = None
    protected_at: datetime | None = None

    @property
    def gone(self) -> bool:
        """Whether the account has vanished from the platform."""
        return self.gone_at is not None

    @property
    def protected(self) -> bool:
        """Whether what the account shows is no longer for everybody."""
        return self.protected_at is not None
