"""How much may be done for one schema: steps are counted, since a clock would differ by machine."""

from __future__ import annotations


class TooMuchError(Exception):
    """Raised when the work that was allowed is used up."""


class Work:
    """How many steps, of about a microsecond each, may still be taken."""

    def __init__(self, left: int) -> None:
        self.given = left
        self.left = left

    def spend(self, steps: int = 1) -> bool:
        """Count so many steps; whether they were still allowed."""
        self.left -= steps
        return self.left >= 0

    def take(self, steps: int = 1) -> None:
        """Count so many steps.

        Raises:
            TooMuchError: there are not as many left.
        """
        self.left -= steps
        if self.left < 0:
            raise TooMuchError
