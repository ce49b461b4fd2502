"""The figures of a message, ready to be read: what the templates may speak of, and nothing else."""

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from notify.speech import Speech, finite
from service.facts import EventFacts, Facts

DETECTORS = (
    "continuous_flow",
    "rising_minimum",
    "burst",
    "main_burst",
    "pressure_drop",
    "low_pressure",
    "off_shift",
    "zero_use",
    "level_shift",
    "spike",
    "drift",
    "plan_overrun",
    "no_use_vulnerable",
    "occupancy_change",
    "water_balance",
    "night_flow",
    "backflow",
    "tamper",
    "register_jump",
    "stuck",
    "silent",
    "low_battery",
    "clock_skew",
)
"""The detectors with an advice of their own; a message leads with the first of these that saw the event."""

_EVIDENCE = {
    "continuous_flow": (
        "rate_lph",
        "threshold_lph",
        "window_h",
        "coverage",
        "grade",
        "quarters_of_96",
        "running_h",
    ),
    "rising_minimum": ("rate_lph", "rest_h", "usual_rest_h", "days", "grade"),
    "burst": ("flow_lph", "threshold_lph", "usual_max_lph", "q3_lph", "minutes"),
    "low_pressure": ("min_kpa", "service_min_kpa", "minutes", "meters"),
    "night_flow": ("how", "usual_lph", "share", "peak_lph"),
    "water_balance": ("how", "usual_lph", "share", "peak_lph"),
    "pressure_drop": ("drop_kpa", "against_kpa", "sensors"),
    "main_burst": ("flow_lph", "usual_lph", "drop_kpa", "area", "sensors"),
    "off_shift": ("volume_l", "usual_l", "threshold_l", "off_hours"),
    "zero_use": ("hours", "usual_lph"),
    "level_shift": ("level_lph", "usual_lph"),
    "spike": ("volume_l", "usual_l", "hours"),
    "drift": ("level_lph", "usual_lph", "rise_share"),
    "plan_overrun": ("plan_m3", "used_m3", "forecast_m3", "low_m3"),
    "no_use_vulnerable": ("used_l", "waking_hours"),
    "occupancy_change": ("before_l", "after_l", "course"),
    "silent": ("reason", "hours"),
    "stuck": ("reason", "days"),
    "backflow": ("reason", "back_l", "hours"),
    "tamper": ("reason", "hours"),
    "low_battery": ("reason", "battery_v", "days_left"),
    "clock_skew": ("skew_s", "days"),
    "register_jump": ("kind", "before_l", "after_l", "steps"),
}
_OUTLOOK_DAYS = {
    "continuous_flow": 30,
    "rising_minimum": 30,
    "burst": 1,
    "night_flow": 30,
    "water_balance": 30,
}
"""How far ahead it makes sense to say what goes on being lost, in days, where the flow does not rest."""


#: So many pipes or sensors are named in a message.
_NAMED = 5


@dataclass(frozen=True)
class Figures:
    """Everything as text in one language; the empty text where there is nothing to say."""

    detector: str
    subject: str
    serial: str
    place: str
    since: str
    lasted: str
    stopped: str
    rate: str
    outlook: str
    outlook_money: str
    outlook_is_daily: bool
    loss: str
    money: str
    depth: str
    response_due: str
    resolution_due: str
    response_within: str
    resolution_within: str
    clock_due: str
    zone: str
    ev: dict[str, str]
    affected: int


def figures(facts: Facts, language: str) -> Figures:
    """Put the figures of a message into words; spans are measured by the meters' clock, not by ours."""
    event, ticket = facts.event, facts.ticket
    speaks = speech(facts, language)
    until = event.cleared_at or max(event.last_seen, event.detected_at)
    lph = finite(event.magnitude) if event.unit == "L/h" else None
    detector = leading(event)
    days = _OUTLOOK_DAYS.get(detector, 0) if event.cleared_at is None else 0
    outlook_m3 = (lph or 0.0) * 24 * days / 1_000
    price = finite(facts.utility.price_m3) or 0.0
    currency = facts.utility.currency
    evidence = event.evidence.get(detector, {})
    meters = evidence.get("meters") if isinstance(evidence, dict) else None
    return Figures(
        detector=detector,
        subject=event.subject,
        serial=facts.meter.serial if facts.meter else "",
        place=_place(facts),
        since=speaks.instant(event.onset),
        lasted=speaks.span(until - event.onset),
        stopped=speaks.instant(event.cleared_at),
        rate=speaks.rate(lph),
        outlook=_above_zero(outlook_m3, speaks.volume_m3(outlook_m3)),
        outlook_money=_above_zero(outlook_m3 * price, speaks.money(outlook_m3 * price, currency)),
        outlook_is_daily=days == 1,
        loss=_above_zero(event.loss_m3, speaks.volume_m3(event.loss_m3)),
        money=_above_zero(event.money, speaks.money(event.money, currency)),
        depth=speaks.pressure(event.magnitude) if event.unit == "kPa" else "",
        response_due=speaks.instant(ticket.response_due),
        resolution_due=speaks.instant(ticket.resolution_due),
        response_within=speaks.span(ticket.response_due - ticket.opened_at),
        resolution_within=speaks.span(ticket.resolution_due - ticket.opened_at),
        clock_due=speaks.instant(facts.clock.due) if facts.clock else "",
        zone=speaks.zone_name(ticket.opened_at),
        ev=_evidence(detector, evidence if isinstance(evidence, dict) else {}, speaks),
        affected=len(meters) if isinstance(meters, list) else 0,
    )


def speech(facts: Facts, language: str) -> Speech:
    """Return how the figures of the message are spoken: in the language, in the utility's zone."""
    zone = ZoneInfo(facts.utility.timezone or "UTC")
    return Speech(language, zone, facts.ticket.response_due.astimezone(zone).year)


def leading(event: EventFacts) -> str:
    """Return the detector whose advice leads the message, `other` where none has its own."""
    return next((d for d in ("burst", *DETECTORS) if d in event.detectors), "other")


def _place(facts: Facts) -> str:
    if facts.dma is None:
        return ""
    name, code = facts.dma.name, facts.dma.code
    return name if name == code else f"{name} ({code})"


def _above_zero(value: object, text: str) -> str:
    return text if (finite(value) or 0.0) > 0 else ""


def _evidence(detector: str, evidence: dict[str, Any], speech: Speech) -> dict[str, str]:
    """Return the detector's known numbers as text, by their name; a template asks for no others."""
    return {name: _value(name, evidence.get(name), speech) for name in _EVIDENCE.get(detector, ())}


def _value(name: str, value: Any, speech: Speech) -> str:  # noqa: PLR0911 - one line a unit
    if name.endswith("_lph"):
        return speech.rate(value)
    if name in {"before_l", "after_l"}:
        return speech.index_l(value)
    if name.endswith("_s"):
        return speech.seconds(value)
    if name.endswith("_v"):
        return speech.volts(value)
    if name.endswith("_l"):
        return speech.volume_l(value)
    if name.endswith("_m3"):
        return speech.volume_m3(value)
    if name.endswith("_kpa"):
        return speech.pressure(value)
    if name in ("off_hours", "hours", "running_h", "rest_h", "usual_rest_h", "waking_hours"):
        return speech.hours(value)
    if name == "minutes":
        return speech.minutes(value)
    if name in {"coverage", "share", "rise_share"}:
        return speech.share(value)
    if isinstance(value, list):
        return ", ".join(str(one) for one in value[:_NAMED])
    return value if isinstance(value, str) else speech.number(value)
