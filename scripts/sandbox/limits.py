"""Counting the application's calls by the quarter of an hour, as X does, with its three headers."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

WINDOW = 15 * 60


@dataclass(frozen=True, kw_only=True)
class Room:
    """What is left of a window after a call: none is left and it was over the limit where ``refused``."""

    limit: int
    remaining: int
    reset: int
    refused: bool

    def headers(self) -> dict[str, str]:
        """Return what every answer of X says of it."""
        return {
            "x-rate-limit-limit": str(self.limit),
            "x-rate-limit-remaining": str(self.remaining),
            "x-rate-limit-reset": str(self.reset),
        }


class Limits:
    """A window for each endpoint, begun by its first call."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._windows: dict[str, tuple[float, int]] = {}

    def count(self, endpoint: str, limit: int) -> Room:
        """Count one call."""
        with self._lock:
            now = self._clock()
            began, calls = self._windows.get(endpoint, (now, 0))
            if now >= began + WINDOW:
                began, calls = now, 0
            self._windows[endpoint] = began, calls + 1
        reset = int(began) + WINDOW
        return Room(limit=limit, remaining=max(0, limit - calls - 1), reset=reset, refused=calls >= limit)

    def forget(self) -> None:
        """Begin every window anew."""
        with self._lock:
            self._windows.clear()
