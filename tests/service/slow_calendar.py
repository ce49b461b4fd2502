"""Working time by the minute, the slow way: what the calendars are held against.

A porter walks through real time minute by minute and looks at the wall clock. He never believes that it went
back: in a double hour he stays at the latest time it has shown. In each minute he asks whether a shift is on.
Which days are worked he reads from a list.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class SlowCalendar:
    """Shifts by weekday as (start, end) in minutes since midnight; `days` says what differs from the week."""

    zone: ZoneInfo
    week: Mapping[int, Sequence[tuple[int, int]]]
    days: Mapping[date, bool] = field(default_factory=dict)

    def begins(self, day: date) -> Sequence[tuple[int, int]]:
        """Return the shifts that begin on a day."""
        if self.days.get(day) is False:
            return ()
        usual = self.week.get(day.weekday(), ())
        if self.days.get(day) is True and not usual:
            return self.week[min(weekday for weekday, shifts in self.week.items() if shifts)]
        return usual

    def on(self, wall: datetime) -> bool:
        """Whether somebody works when the wall clock shows this."""
        for back in (0, 1):
            day = wall.date() - timedelta(days=back)
            minute = wall.hour * 60 + wall.minute + back * 1440
            if any(start <= minute < end for start, end in self.begins(day)):
                return True
        return False

    def minutes(self, start: datetime) -> Iterator[tuple[datetime, bool]]:
        """Yield every real minute from `start` on, and whether it is worked."""
        latest = datetime.min  # noqa: DTZ901 - wall time
        at = start.astimezone(UTC) - timedelta(hours=3)
        while True:
            latest = max(latest, at.astimezone(self.zone).replace(tzinfo=None))
            if at >= start:
                yield at, self.on(latest)
            at += MINUTE

    def worked(self, start: datetime, end: datetime) -> int:
        """Return the seconds worked."""
        total = 0
        for at, on in self.minutes(start):
            if at >= end:
                return total
            total += 60 * on
        raise AssertionError

    def due(self, start: datetime, seconds: int) -> datetime:
        """Return the end of the minute in which the last of so many seconds (whole minutes) is worked."""
        left = seconds
        if left <= 0:
            return start
        for at, on in self.minutes(start):
            left -= 60 * on
            if left <= 0:
                return at + MINUTE
        raise AssertionError
