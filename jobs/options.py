"""What options of commands have in common: instants and lengths of time."""

from datetime import datetime, timedelta

from core.errors import BadDataError


def instant(option: str, text: str) -> datetime | None:
    """Return the instant an option names; None where it is empty."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise BadDataError(
            f"{option} is {text!r}.", cure="Give a time with its offset: 2026-11-21T20:00:00Z or +08:00."
        )
    return found


def ordered_span(since: str, until: str) -> tuple[datetime | None, datetime | None]:
    """Return what --from and --to name; the second must be after the first."""
    start, end = instant("--from", since), instant("--to", until)
    if start and end and end <= start:
        raise BadDataError("--to is not after --from.", cure="Give an earlier --from or a later --to.")
    return start, end


def duration(option: str, text: str) -> timedelta:
    """Return the length of time an option names, from a minute to a week."""
    unit = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}.get(text[-1:], "")
    try:
        length = timedelta(**{unit: int(text[:-1])}) if unit else timedelta()
    except (ValueError, OverflowError):
        length = timedelta()
    if not timedelta(minutes=1) <= length <= timedelta(days=7):
        raise BadDataError(f"{option} is {text!r}.", cure="Give 1m to 7d, such as 15m, 1h or 1d.")
    return length
