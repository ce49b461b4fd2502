"""How pressing a finding is, and why."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from core.words import Segment, Severity

Level = Literal["urgent", "high", "normal", "low"]
RANK: dict[str, int] = {"low": 0, "normal": 1, "high": 2, "urgent": 3}
SEVERITY_RANK = {severity.value: rank for rank, severity in enumerate(Severity)}

_LEVEL: dict[str, Level] = {
    Severity.LOW: "low",
    Severity.MEDIUM: "normal",
    Severity.HIGH: "high",
    Severity.CRITICAL: "urgent",
}
ALWAYS_URGENT = (Segment.LARGE, Segment.SPECIAL, Segment.VULNERABLE)
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


def judge(*, segment: str | None, severity: str, detectors: Collection[str]) -> Priority:
    """Rank a finding by whom it concerns and what it is.

    Urgent are the findings of large, special and vulnerable customers, whatever they are; bursts; and
    whatever is critical. The rest follows the severity.
    """
    reasons = [f"segment_{segment}"] if segment in ALWAYS_URGENT else []
    reasons += [f"detector_{detector}" for detector in _BURSTS if detector in detectors]
    if severity == Severity.CRITICAL:
        reasons.append("severity_critical")
    if reasons:
        return Priority("urgent", tuple(reasons))
    return Priority(_LEVEL[severity], (f"severity_{severity}",))
