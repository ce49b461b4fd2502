"""Messages made by hand, for what needs no database."""

import copy
from datetime import timedelta
from typing import Any

from notify.channels import Message
from tests.samples import ADDRESSES, EVIDENCE, GROUP, MAGNITUDE, NAMES, NOW, ONSET, UNIT

REMINDERS = ("warned", "urged", "escalated")
STEPS = ("opened", "joined", "worse", "cleared", "reopened", "withdrawn", *REMINDERS)
SECTORS = ("residential", "industrial", "commercial", "institutional")


def document(
    detector: str = "continuous_flow",
    *,
    sector: str | None = "residential",
    segment: str = "general",
    theirs: str = "zh",
    step: str = "opened",
    urgent: bool = False,
) -> dict[str, Any]:
    """Return the facts of a message as they stand in the outbox."""
    over = step == "cleared"
    reasons = ["severity_medium"] if not urgent else ["segment_large", "detector_burst", "severity_critical"]
    customer = {
        "account_no": "A-1001",
        "name": NAMES[theirs],
        "sector": sector,
        "segment": segment,
        "language": theirs,
        "address": ADDRESSES[theirs],
        "phone": "+86 571 8800 1234",
        "email": "customer@example.org",
        "shifts": "08:00-20:00",
    }
    return copy.deepcopy(
        {
            "step": step,
            "ticket": {
                "id": 12,
                "state": "open",
                "priority": "urgent" if urgent else "normal",
                "urgent": urgent,
                "grp": GROUP.get(detector, "device"),
                "opened_at": NOW.isoformat(),
                "response_due": (NOW + timedelta(hours=24)).isoformat(),
                "resolution_due": (NOW + timedelta(hours=48)).isoformat(),
                "routed_by": "deputy",
                "assignee": "王丽",
                "related": [7, 9],
            },
            "event": {
                "id": 3,
                "grp": GROUP.get(detector, "device"),
                "detectors": [detector],
                "subject_kind": "meter" if sector else "dma",
                "subject": "M-1" if sector else "D1",
                "severity": "medium",
                "onset": ONSET.isoformat(),
                "detected_at": NOW.isoformat(),
                "last_seen": NOW.isoformat(),
                "cleared_at": NOW.isoformat() if over else None,
                "magnitude": MAGNITUDE.get(detector, 3.0),
                "unit": UNIT.get(detector, "V"),
                "loss_m3": 1.311,
                "money": 4.46,
                "evidence": {detector: EVIDENCE.get(detector, {})},
            },
            "customer": customer if sector else None,
            "meter": {"id": 1, "serial": "M-1", "address": None, "q3_lph": 2500.0} if sector else None,
            "dma": {"code": "D1", "name": "滨江三区", "region": "城南", "min_pressure_kpa": 140.0},
            "utility": {
                "name": "江城水务",
                "timezone": "Asia/Shanghai",
                "country": "CN",
                "currency": "CNY",
                "price_m3": 3.4,
            },
            "addressee": {"name": "陈静", "stands_in_for": "王丽"},
            "reasons": reasons,
            "why": "late readings" if step == "withdrawn" else "",
            "clock": {"deadline": "response", "due": (NOW + timedelta(hours=24)).isoformat(), "level": 2}
            if step in REMINDERS
            else None,
        }
    )


def message(
    facts: dict[str, Any], *, language: str = "zh", channel: str = "email", attempt: int = 1
) -> Message:
    """Return a claimed message about the facts."""
    recipient = "chen@utility.example" if channel == "email" else "http://127.0.0.1/hook"
    return Message(5, 12, 3, facts["step"], recipient, language, facts, attempt, NOW)
