"""A body of any length, read to its end before anything is answered, and held by the disk and not in memory.

What lies on the disk is encrypted under a key of this request alone, and has no name there: it goes with the process.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from tempfile import TemporaryFile
from typing import IO, Self

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from broker.errors import MalformedRequest, RequestTooLarge

MAX_LINE = 64 * 1024
#: Bytes of one body: some ten million lines.
MAX_STREAM = 2 * 1024**3
_BLOCK = 256 * 1024
#: Bytes that are answered at once, however long their lines: some 2,500 lines as they are usual. Twice as many cost 3 %
#: less and 15 MB more.
_ANSWERED = 320 * 1024
KEY_SIZE = 32


class Spool:
    """Lines that were read, to be read once more from their beginning; *key* is drawn for this body alone."""

    def __init__(self, key: bytes) -> None:
        # A key for one request: its only nonce can be zero.
        self._cipher = Cipher(AES(key), CTR(bytes(16)))
        self._file: IO[bytes] = TemporaryFile(buffering=0)  # noqa: SIM115 - closed by whoever answers

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_failure: object) -> None:
        self._file.close()

    def take(self, body: IO[bytes]) -> None:
        """Read *body* to its end, or raise :class:`RequestTooLarge`, or :class:`MalformedRequest` for a long line."""
        write, total, rest = self._cipher.encryptor().update, 0, 0
        while block := body.read(_BLOCK):
            total += len(block)
            first, last = block.find(b"\n"), block.rfind(b"\n")
            longest = rest + (len(block) if first < 0 else first)
            rest = rest + len(block) if last < 0 else len(block) - last - 1
            if max(longest, rest) > MAX_LINE + _BLOCK:
                raise MalformedRequest(f"a line has {MAX_LINE} bytes at most")
            if total > MAX_STREAM:
                raise RequestTooLarge(f"at most {MAX_STREAM} bytes are read here")
            self._file.write(write(block))

    def chunks(self, size: int) -> Iterator[list[bytes]]:
        """The lines, *size* at a time or fewer: as many as are read at once. Empty ones are none."""
        self._file.seek(0)
        read, rest = self._cipher.decryptor().update, b""
        while block := self._file.read(_ANSWERED):
            *whole, rest = (rest + read(block)).split(b"\n")
            yield from _in_parts(whole, size)
        yield from _in_parts([rest], size)


def _in_parts(lines: Sequence[bytes], size: int) -> Iterator[list[bytes]]:
    some = list(filter(bytes.strip, lines))
    for begin in range(0, len(some), size):
        yield some[begin : begin + size]


def spooled(body: IO[bytes], *, key: bytes) -> Spool:
    """Return *body*, read to its end; *key* as of :class:`Spool`."""
    spool = Spool(key)
    try:
        spool.take(body)
    except BaseException:
        spool.__exit__()
        raise
    return spool
