"""What stands in Google's place: so many calls a minute, and no more."""

from collections import Counter
from dataclasses import dataclass, field

CREDENTIALS_PER_MINUTE = 60_000
"""Service Account Credentials API, calls that make credentials, of one project."""
EXCHANGES_PER_MINUTE = 6_000
"""Security Token Service, exchanges for workload identity federation, of one project."""


@dataclass(slots=True)
class Quota:
    """For one project. A minute begins at :00, and what is refused does not count."""

    per_minute: int
    granted: Counter[int] = field(default_factory=Counter)
    """By minute."""
    refused: Counter[int] = field(default_factory=Counter)

    def take(self, now: float) -> bool:
        minute = int(now // 60)
        is_granted = self.granted[minute] < self.per_minute
        (self.granted if is_granted else self.refused)[minute] += 1
        return is_granted
