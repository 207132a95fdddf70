"""Failures on demand: a platform that breaks, dawdles or lies, so that its callers can rehearse it."""

import threading
from typing import Any

KNOWN = frozenset(
    {
        *("token", "userinfo", "revoke", "slow", "iss", "code_life"),
        *("users", "jobs", "job", "upload", "results", "users_limit", "jobs_limit", "job_looks"),
    }
)


class Faults:
    """The failures asked for; an empty set is a platform in good health."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanted: dict[str, Any] = {}

    def replace(self, wanted: dict[str, Any]) -> list[str]:
        """Take this set in place of the last one; return the names that mean nothing here."""
        unknown = sorted(set(wanted) - KNOWN)
        if not unknown:
            with self._lock:
                self._wanted = dict(wanted)
        return unknown

    def current(self) -> dict[str, Any]:
        """Return the failures in force."""
        return dict(self._wanted)

    def answer(self, endpoint: str) -> tuple[str, int] | None:
        """Return body and status to give instead of the truth: a knob is a status or [status, body]."""
        knob = self._wanted.get(endpoint)
        if knob is None:
            return None
        status, body = knob if isinstance(knob, list) else (knob, '{"title":"Rehearsed failure"}')
        return str(body), int(status)

    def delay(self) -> float:
        """Return the seconds that every answer of the API waits."""
        return float(self._wanted.get("slow", 0))

    def code_life(self, usual: float) -> float:
        """Return the seconds that a code lives."""
        return float(self._wanted.get("code_life", usual))

    def number(self, name: str, usual: int) -> int:
        """Return a ceiling or a count: the usual one unless a rehearsal asks for another."""
        return int(self._wanted.get(name, usual))

    def take_issuer(self) -> str | None:
        """Return the issuer to put into the next callback, once."""
        with self._lock:
            return self._wanted.pop("iss", None)
