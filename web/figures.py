"""The figures of a month as a page shows them: in which order, in which unit, and how each has changed."""

from dataclasses import dataclass
from typing import Literal, get_args

from api.figures.schemas import Figures
from service.figures import Behind

Unit = Literal["count", "share", "hours", "score", "m3", "money"]
BEHIND = frozenset(get_args(Behind))


def _(source: str) -> str:
    return source


GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        _("Tickets"),
        (
            "opened",
            "response_share",
            "response_kept",
            "response_missed",
            "response_h",
            "resolution_share",
            "resolution_kept",
            "resolution_missed",
            "resolution_h",
            "resolved",
            "reopened",
            "reopened_share",
        ),
    ),
    (_("Satisfaction"), ("satisfied_share", "asked", "answered", "satisfied", "score")),
    (
        _("Visits"),
        (
            "visits_share",
            "visits_due",
            "visits_done",
            "visits_on_time",
            "visits_postponed",
            "visits_overdue",
        ),
    ),
    (
        _("Water"),
        (
            "saved_m3",
            "saved_money",
            "confirmed_events",
            "volume_m3",
            "revenue",
            "customers",
            "plan_share",
            "planned",
            "within_plan",
        ),
    ),
)
"""Every figure, by what it is about."""
COMPARED = (
    "opened",
    "response_share",
    "response_missed",
    "resolution_share",
    "resolution_missed",
    "resolution_h",
    "reopened_share",
    "satisfied_share",
    "visits_share",
    "saved_m3",
    "volume_m3",
)
"""Those that one key is held against another by."""
OF_SHARE: dict[str, str] = {
    "response_share": "response_missed",
    "resolution_share": "resolution_missed",
    "reopened_share": "reopened",
    "satisfied_share": "answered",
    "score": "answered",
}
"""Which tickets explain a share."""
_WORSE = {
    "response_missed",
    "resolution_missed",
    "response_h",
    "resolution_h",
    "reopened",
    "reopened_share",
    "visits_overdue",
}
_BETTER = {
    "response_share",
    "resolution_share",
    "satisfied_share",
    "score",
    "visits_share",
    "saved_m3",
    "saved_money",
    "plan_share",
}
_UNITS: dict[str, Unit] = {
    "response_h": "hours",
    "resolution_h": "hours",
    "score": "score",
    "saved_m3": "m3",
    "volume_m3": "m3",
    "saved_money": "money",
    "revenue": "money",
}


@dataclass(frozen=True)
class Change:
    """How a figure differs from the month before: in its own unit, a share in points."""

    by: float
    tone: Literal["good", "bad", ""]


def unit(name: str) -> Unit:
    """Return what a figure is counted in."""
    return "share" if name.endswith("_share") else _UNITS.get(name, "count")


def behind(name: str) -> str:
    """Return the figure whose tickets are behind this one; empty for one that is not made of tickets."""
    return name if name in BEHIND else OF_SHARE.get(name, "")


def change(name: str, now: Figures | None, before: Figures | None) -> Change | None:
    """Return how a figure has changed; None where one of the two months has none."""
    value, was = (getattr(one, name) if one else None for one in (now, before))
    if value is None or was is None:
        return None
    by = (value - was) * (100 if unit(name) == "share" else 1)
    good = name in _BETTER if by > 0 else name in _WORSE
    bad = name in _WORSE if by > 0 else name in _BETTER
    return Change(by, "" if abs(by) < 0.05 else "good" if good else "bad" if bad else "")


def spark(line: list[float | None]) -> str:
    """Return the points of a line 100 wide and 20 high; empty for fewer than two values."""
    known = [(place, value) for place, value in enumerate(line) if value is not None]
    if len(known) < 2:
        return ""
    low, high = min(value for _, value in known), max(value for _, value in known)
    width, height = 96 / max(1, len(line) - 1), (high - low) or 1.0
    return " ".join(
        f"{2 + place * width:.1f},{18 - 16 * (value - low) / height:.1f}" for place, value in known
    )
