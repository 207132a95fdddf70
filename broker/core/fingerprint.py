"""What a message's content looks like, so that the same message to many can be told (CONTACT-4)."""

from __future__ import annotations

from dataclasses import dataclass

#: SimHashes of 64 bits that differ in so many bits or fewer are of nearly the same text.
NEAR = 3
_BANDS, _BAND_BITS = 4, 16


@dataclass(frozen=True, kw_only=True)
class Fingerprint:
    """The content's SHA-256, and a 64-bit SimHash of it; the client makes both, and only its own are compared."""

    sha256: bytes | None = None
    simhash: int | None = None

    @property
    def bands(self) -> tuple[int, ...]:
        """The SimHash in four bands of sixteen bits: two that differ in three bits share at least one."""
        if self.simhash is None:
            return ()
        return tuple(self.simhash >> (number * _BAND_BITS) & (2**_BAND_BITS - 1) for number in range(_BANDS))

    def is_near(self, other: Fingerprint) -> bool:
        """Whether both are of the same content, or nearly."""
        if self.sha256 is not None and self.sha256 == other.sha256:
            return True
        if self.simhash is None or other.simhash is None:
            return False
        return (self.simhash ^ other.simhash).bit_count() <= NEAR
