"""How pressing a finding is, and why."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from core.words import Severity

Level = Literal["urgent", "high", "normal", "low"]
RANK: dict[str, int] = {"low": 0, "normal": 1, "high": 2, "urgent": 3}
SEVERITY_RANK = {severity.value: rank for rank, severity in enumerate(Severity)}

_LEVEL: dict[str, Level] = {
    Severity.LOW: "low",
    Severity.MEDIUM: "normal",
    Severity.HIGH: "high",
    Severity.CRITICAL: "urgent",
}
_LEVELS: tuple[Level, ...] = ("low", "normal", "high", "urgent")
_BURSTS = ("burst", "main_burst")


@dataclass(frozen=True)
class Priority:
    """A level and the reasons for it: `segment_large`, `severity_critical`, `detector_burst`, ..."""

    level: Level
    reasons: tuple[str, ...]

    @property
    def urgent(self) -> bool:
        """Whether the green channel applies."""
        return self.level == "urgent"


@dataclass(frozen=True)
class Standing:
    """What the segment brings by `segment_rule`: the green channel, or levels above the severity's."""

    segment: str
    urgent: bool
    lift: int


def judge(*, standing: Standing | None, severity: str, detectors: Collection[str]) -> Priority:
    """Rank a finding by whom it concerns, if it is a customer, and what it is.

    Urgent are the findings of customers whose segment says so, whatever they are; bursts; and whatever is
    critical. The rest follows the severity, lifted by what the segment says.
    """
    reasons = [f"segment_{standing.segment}"] if standing and standing.urgent else []
    reasons += [f"detector_{detector}" for detector in _BURSTS if detector in detectors]
    if severity == Severity.CRITICAL:
        reasons.append("severity_critical")
    if reasons:
        return Priority("urgent", tuple(reasons))
    level, by_severity = _LEVEL[severity], f"severity_{severity}"
    if standing is None or not standing.lift:
        return Priority(level, (by_severity,))
    lifted = _LEVELS[min(RANK[level] + standing.lift, RANK["urgent"])]
    return Priority(lifted, (f"segment_{standing.segment}", by_severity))


def of_case(level: Level, reasons: tuple[str, ...], standing: Standing | None) -> Priority:
    """Rank what a person brings: as was said, lifted by what the segment says."""
    if standing is None:
        return Priority(level, reasons)
    lifted = "urgent" if standing.urgent else _LEVELS[min(RANK[level] + standing.lift, RANK["urgent"])]
    return Priority(lifted, reasons if lifted == level else (*reasons, f"segment_{standing.segment}"))
