"""Chance that is none: numbers that look random and come from a hash."""

from __future__ import annotations

import hashlib
import struct

from msgspec import Struct


class Dice(Struct, frozen=True):
    """Numbers that look random and depend on nothing but the digest and what they are for."""

    digest: bytes

    def share(self, purpose: str) -> float:
        """A number from 0 up to, and without, 1."""
        drawn = hashlib.blake2b(self.digest + purpose.encode(), digest_size=8).digest()
        return int.from_bytes(drawn) / 2**64

    def shares(self, purpose: str, count: int) -> list[float]:
        """So many numbers between 0 and 1, neither of which is among them."""
        drawn = hashlib.shake_256(self.digest + purpose.encode()).digest(8 * count)
        return [((one >> 12) + 0.5) / 2**52 for one in struct.unpack(f">{count}Q", drawn)]

    def number(self, purpose: str, first: int, last: int) -> int:
        """A whole number from ``first`` to ``last``; ``first`` if that is the greater one."""
        return first + int(self.share(purpose) * max(last - first + 1, 1))
