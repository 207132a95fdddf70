"""How far the work is: a bar on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

from time import monotonic
from typing import TextIO

_BAR, _OFTEN, _SELDOM = 24, 0.2, 10.0
_MINUTE = 60


class Progress:
    """Shows work on *whole* of something; None where nobody knows how much it is."""

    def __init__(self, stream: TextIO | None, *, whole: int | None, at: int) -> None:
        self._stream, self._whole, self._began_at = stream, whole, at
        self._bar = bool(stream and stream.isatty())
        self._began = self._said = monotonic()
        self._lines, self._shown = 0, False

    def show(self, lines: int, *, at: int) -> None:
        """So many more lines were answered, and the input was read up to *at*."""
        self._lines += lines
        now = monotonic()
        if self._stream is None or now - self._said < (_OFTEN if self._bar else _SELDOM):
            return
        self._said, self._shown = now, True
        self._write(self._text(at, now - self._began))

    def _text(self, at: int, seconds: float) -> str:
        rate = self._lines / max(seconds, 0.001)
        said = f"{self._lines:,} lines, {rate:,.0f} a second"
        if not self._whole:
            return said
        share = min(1.0, at / self._whole)
        left = seconds * (self._whole - at) / max(at - self._began_at, 1)
        drawn = f"[{'#' * int(share * _BAR):{_BAR}}] " if self._bar else ""
        return f"{drawn}{share:4.0%}  {said}, {_span(left)} left"

    def _write(self, text: str) -> None:
        assert self._stream is not None  # noqa: S101 - who shows has where to
        self._stream.write(f"\r{text:<78}" if self._bar else f"{text}\n")
        self._stream.flush()

    def close(self) -> None:
        """Leave the line to whoever writes next."""
        if self._stream is not None and self._bar and self._shown:
            self._stream.write(f"\r{'':78}\r")
            self._stream.flush()


def _span(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // _MINUTE} min {whole % _MINUTE} s" if whole >= _MINUTE else f"{whole} s"
