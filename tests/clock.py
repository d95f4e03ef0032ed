"""A clock that tests move."""

from datetime import UTC, datetime, timedelta


class MovableClock:
    """Tells the time, as far ahead of the real one as it was moved."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def move(self, **by: float) -> None:
        """Move on by days, hours, minutes, seconds."""
        self.ahead += timedelta(**by)
