"""What the codes of the database are called on a page; English here, Chinese in web/locale."""


def _(source: str) -> str:
    """Mark a text for the catalogue."""
    return source


LABELS: dict[str, dict[str, str]] = {
    "ticket_state": {
        "open": _("Open"),
        "acknowledged": _("Acknowledged"),
        "responded": _("Responded"),
        "resolved": _("Resolved"),
        "confirmed": _("Confirmed"),
        "reopened": _("Reopened"),
        "merged": _("Merged"),
    },
    "priority": {"urgent": _("Urgent"), "high": _("High"), "normal": _("Normal"), "low": _("Low")},
    "severity": {"low": _("Low"), "medium": _("Medium"), "high": _("High"), "critical": _("Critical")},
    "event_state": {"open": _("Open"), "cleared": _("Over"), "retracted": _("Withdrawn")},
    "group": {
        "leak": _("Leak"),
        "network": _("Network loss"),
        "pressure": _("Pressure"),
        "industrial": _("Industrial use"),
        "plan": _("Water plan"),
        "device": _("Meter fault"),
        "welfare": _("Welfare"),
        "profile": _("Profile"),
    },
    "detector": {
        "continuous_flow": _("Water never rests"),
        "rising_minimum": _("Rising minimum"),
        "burst": _("Pipe burst"),
        "low_pressure": _("Low pressure"),
        "main_burst": _("Main burst"),
        "pressure_drop": _("Pressure drop"),
        "night_flow": _("Night flow up"),
        "water_balance": _("Water balance"),
        "off_shift": _("Use outside shifts"),
        "spike": _("Spike"),
        "level_shift": _("Level shift"),
        "drift": _("Drift"),
        "zero_use": _("No use"),
        "plan_overrun": _("Plan will be overrun"),
        "no_use_vulnerable": _("Vulnerable, no use"),
        "occupancy_change": _("Occupancy changed"),
        "silent": _("Meter silent"),
        "stuck": _("Meter stuck"),
        "backflow": _("Backflow"),
        "tamper": _("Tampering"),
        "low_battery": _("Battery low"),
        "clock_skew": _("Clock wrong"),
        "register_jump": _("Register jump"),
    },
    "source": {
        "meter": _("Meter"),
        "hotline": _("Hotline"),
        "counter": _("Counter"),
        "web": _("Web"),
        "message": _("Message"),
        "mail": _("Mail"),
        "visit": _("Visit"),
        "system": _("System"),
    },
    "topic": {
        "leak": _("Leak"),
        "no_water": _("No water"),
        "low_pressure": _("Low pressure"),
        "quality": _("Water quality"),
        "bill": _("Bill"),
        "meter": _("Meter"),
        "service": _("Service"),
        "other": _("Other"),
    },
    "segment": {
        "large": _("Large customer"),
        "special": _("Special customer"),
        "vulnerable": _("Vulnerable customer"),
        "general": _("General customer"),
    },
    "sector": {
        "residential": _("Residential"),
        "industrial": _("Industrial"),
        "commercial": _("Commercial"),
        "institutional": _("Institutional"),
    },
    "outage_kind": {"planned": _("Planned"), "unplanned": _("Unplanned")},
    "outage_status": {
        "draft": _("Draft"),
        "announced": _("Announced"),
        "started": _("Water is off"),
        "delayed": _("Delayed"),
        "overdue": _("Promise passed"),
        "restored": _("Restored"),
        "cancelled": _("Cancelled"),
    },
    "visit_state": {
        "due": _("Due"),
        "overdue": _("Overdue"),
        "postponed": _("Postponed"),
        "done": _("Done"),
        "cancelled": _("Called off"),
    },
    "visit_form": {"on_site": _("On site"), "call": _("Call"), "letter": _("Letter")},
    "visit_kind": {
        "cadence": _("Regular visit"),
        "inspection": _("Inspection"),
        "ad_hoc": _("Arranged visit"),
    },
    "message_state": {
        "pending": _("Waiting"),
        "sent": _("Sent"),
        "dead": _("Refused"),
        "held": _("Held"),
        "bundled": _("In a digest"),
        "bounced": _("Came back"),
        "unknown": _("Unknown"),
        "dismissed": _("Set aside"),
    },
    "channel": {
        "email": _("E-mail"),
        "webhook": _("Webhook"),
        "sms": _("Text message"),
        "wecom": _("WeCom"),
        "dingtalk": _("DingTalk"),
        "feishu": _("Feishu"),
        "apprise": _("Other service"),
    },
    "role": {
        "admin": _("Administrator"),
        "operations": _("Operations"),
        "manager": _("Account manager"),
        "reader": _("Reader"),
    },
    "meter_kind": {
        "customer": _("Customer meter"),
        "dma_inlet": _("DMA inlet"),
        "dma_outlet": _("DMA outlet"),
        "pressure": _("Pressure sensor"),
        "storage": _("Tank"),
    },
    "language": {"zh": "中文", "en": "English"},
}


def label(kind: str, code: str | None) -> str:
    """Return what a code is called, in English; the code itself where it has no name."""
    if code is None:
        return ""
    return LABELS[kind].get(code, code)
