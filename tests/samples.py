"""Customers, events and messages that the tests of the service and of the notifier start from."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from sql.pool import Connection
from tests import factories

NOW = datetime(2026, 11, 21, 1, 30, tzinfo=UTC)  # Saturday, half past nine in Shanghai
ONSET = NOW - timedelta(hours=31)
NAMES = {"zh": "张伟", "en": "Jane Miller"}
ADDRESSES = {"zh": "滨江区江南大道 88 号 3 幢 1201 室", "en": "12 Mill Lane, Riverside"}

EVIDENCE: dict[str, dict[str, Any]] = {
    "continuous_flow": {
        "rate_lph": 42.3,
        "threshold_lph": 3.8,
        "window_h": 24,
        "coverage": 0.985,
        "grade": "intermittent",
        "quarters_of_96": 61,
    },
    "rising_minimum": {
        "rate_lph": 1.5,
        "rest_h": 1,
        "usual_rest_h": 6.0,
        "days": 12,
        "grade": "drip",
    },
    "burst": {
        "flow_lph": 2890.0,
        "threshold_lph": 250.0,
        "usual_max_lph": 180.0,
        "q3_lph": 2500.0,
        "minutes": 35,
    },
    "low_pressure": {"min_kpa": 102.4, "service_min_kpa": 140.0, "minutes": 45, "meters": ["P-1", "P-2"]},
    "night_flow": {
        "how": "step",
        "usual_lph": 41_250.0,
        "rise_lph": 5_400.0,
        "peak_lph": 5_650.0,
        "share": 0.131,
        "levels": [[492_000, 491_994, 5_400.0, 1]],
    },
    "water_balance": {
        "how": "slow",
        "usual_lph": 41_250.0,
        "rise_lph": 2_150.0,
        "peak_lph": 2_150.0,
        "share": 0.052,
        "levels": [[492_000, 491_800, 0.0, 0], [492_000, 492_000, 2_150.0, 1]],
    },
    "pressure_drop": {"drop_kpa": 32.1, "against_kpa": 28.4, "sensors": ["P-1"], "area": ["P-1"]},
    "main_burst": {
        "flow_lph": 6200.0,
        "usual_lph": 152_000.0,
        "drop_kpa": 2.31,
        "area": ["p183", "p856"],
        "sensors": ["P-1", "P-2"],
    },
    "zero_use": {"hours": 12, "usual_lph": 2000.0, "still_l": 1.0},
    "level_shift": {"level_lph": 2700.0, "usual_lph": 2000.0, "excess_threshold_lph": 300.0, "hours": 24},
    "spike": {
        "volume_l": 7000.0,
        "usual_l": 3000.0,
        "excess_threshold_l": 1400.0,
        "hours": 1,
        "slot": "2026-11-20T18:00:00Z",
    },
    "drift": {"level_lph": 2300.0, "usual_lph": 2000.0, "rise_share": 0.15, "weeks": 5},
    "plan_overrun": {
        "plan_m3": 1500.0,
        "used_m3": 1100.0,
        "forecast_m3": 1650.0,
        "low_m3": 1580.0,
        "high_m3": 1720.0,
    },
    "off_shift": {
        "volume_l": 1210.0,
        "usual_l": 35.0,
        "threshold_l": 120.0,
        "off_hours": 7,
        "slot": "2026-11-20T18:00:00Z",
        "shift": "learned",
    },
    "no_use_vulnerable": {"used_l": 3.0, "waking_hours": 12},
    "occupancy_change": {"before_l": 310.0, "after_l": 120.0, "course": "less"},
    "silent": {"reason": "meter", "hours": 31.0},
    "stuck": {"reason": "register", "days": 14},
    "backflow": {"reason": "register", "back_l": 17.0, "hours": 4},
    "tamper": {"reason": "magnetic", "hours": 2},
    "low_battery": {"reason": "trend", "low_v": 3.2, "battery_v": 3.31, "days_left": 41},
    "clock_skew": {"skew_s": 7500, "days": 3},
    "register_jump": {
        "kind": "exchange",
        "before_l": 52_003.0,
        "after_l": 7.0,
        "step_l": -51_996.0,
        "steps": 1,
        "at_s": 1_795_000_000,
    },
}
GROUP = {
    "continuous_flow": "leak",
    "rising_minimum": "leak",
    "burst": "leak",
    "low_pressure": "pressure",
    "main_burst": "network",
    "pressure_drop": "network",
    "off_shift": "industrial",
    "no_use_vulnerable": "welfare",
    "occupancy_change": "profile",
    "night_flow": "network",
    "water_balance": "network",
    "zero_use": "industrial",
    "level_shift": "industrial",
    "spike": "industrial",
    "drift": "industrial",
    "plan_overrun": "plan",
    "silent": "device",
    "stuck": "device",
    "backflow": "device",
    "tamper": "device",
    "low_battery": "device",
    "clock_skew": "device",
    "register_jump": "device",
}
MAGNITUDE = {
    "continuous_flow": 42.3,
    "rising_minimum": 1.5,
    "burst": 2890.0,
    "low_pressure": 37.6,
    "main_burst": 6200.0,
    "pressure_drop": 28.4,
    "off_shift": 1175.0,
    "no_use_vulnerable": 3.0,
    "occupancy_change": 190.0,
    "night_flow": 5400.0,
    "water_balance": 2150.0,
    "zero_use": 2000.0,
    "level_shift": 700.0,
    "spike": 4000.0,
    "drift": 300.0,
    "plan_overrun": 10.0,
    "silent": 31.0,
    "stuck": 14.0,
    "backflow": 17.0,
    "tamper": 2.0,
    "low_battery": 3.31,
    "clock_skew": 7500.0,
    "register_jump": 51_996.0,
}
UNIT = {
    "continuous_flow": "L/h",
    "rising_minimum": "L/h",
    "burst": "L/h",
    "low_pressure": "kPa",
    "main_burst": "L/h",
    "pressure_drop": "kPa",
    "off_shift": "L/h",
    "no_use_vulnerable": "L",
    "occupancy_change": "L/d",
    "night_flow": "L/h",
    "water_balance": "L/h",
    "zero_use": "L/h",
    "level_shift": "L/h",
    "spike": "L/h",
    "drift": "L/h",
    "plan_overrun": "%",
    "silent": "h",
    "stuck": "d",
    "backflow": "L",
    "tamper": "h",
    "low_battery": "V",
    "clock_skew": "s",
    "register_jump": "L",
}


@dataclass(frozen=True)
class Town:
    """The ids of what `town` made."""

    region_id: int
    dma_id: int
    manager_id: int
    deputy_id: int
    desk_id: int
    meter_id: int


def town(conn: Connection, *, language: str = "zh", **customer: Any) -> Town:
    """Make a utility, a region, a district, its staff and the customer A-1001 with the meter M-1."""
    factories.insert(
        conn, "utility", name="江城水务", timezone="Asia/Shanghai", country="CN", currency="CNY", price_m3=3.4
    )
    region = factories.insert(conn, "region", "id", code="R1", name="城南")
    dma = factories.dma(conn, "D1", name="滨江三区", region_id=region, min_pressure_kpa=140)
    deputy = factories.staff(conn, "chen", name="陈静", language=language)
    manager = factories.staff(conn, "wangli", name="王丽", language=language, deputy_id=deputy)
    desk = factories.staff(
        conn, "desk", name="值班岗", language=language, on_duty_desk=True, roles=["operations"]
    )
    values = {
        "name": NAMES[language],
        "language": language,
        "address": ADDRESSES[language],
        "phone": "+86 571 8800 1234",
        "email": "customer@example.org",
        "dma_id": dma,
        "manager_id": manager,
    } | customer
    meter = factories.customer(conn, "A-1001", "M-1", **values)
    return Town(region, dma, manager, deputy, desk, meter)


def usage(conn: Connection, meter_id: int, *, onset: datetime = ONSET, until: datetime = NOW) -> None:
    """Insert ten days of hourly use, with a flow that never rests from `onset` on."""
    first = (until - timedelta(days=10)).replace(minute=0)
    for hour in range(10 * 24):
        slot = first + timedelta(hours=hour)
        local = (slot.hour + 8) % 24
        volume = 0.0 if local < 6 else 25.0 + 30 * (local in (7, 8, 19, 20, 21)) + hour % 7
        factories.insert(
            conn,
            "usage_hourly",
            meter_id=meter_id,
            slot=slot,
            volume_l=volume + (42.3 if slot >= onset else 0.0),
            quality=0,
        )


def event(conn: Connection, detector: str = "continuous_flow", *, kind: str = "opened", **values: Any) -> int:
    """Insert an event of the meter M-1 (of the district for low_pressure) with its first entry."""
    of_dma = detector in ("low_pressure", "main_burst", "pressure_drop")
    where: dict[str, Any] = {"dma_id": conn.execute("select id from dma where code = 'D1'").fetchall()[0][0]}
    if of_dma:
        where |= {"subject_kind": "dma", "subject": "D1"}
    else:
        meter = conn.execute("select id from meter where serial = 'M-1'").fetchall()[0][0]
        where |= {"subject_kind": "meter", "subject": "M-1", "meter_id": meter, "account_no": "A-1001"}
    row = where | {
        "grp": GROUP[detector],
        "epoch": 0,
        "detectors": [detector],
        "onset": ONSET,
        "detected_at": NOW,
        "last_seen": NOW,
        "severity": "medium",
        "magnitude": MAGNITUDE[detector],
        "unit": UNIT[detector],
        "loss_m3": 0.0 if of_dma else 1.311,
        "money": 0.0 if of_dma else 4.46,
        "evidence": Jsonb({detector: EVIDENCE[detector]}),
    }
    with conn.transaction():
        event_id = int(factories.insert(conn, "event", "id", **(row | values)))
        turn(conn, event_id, kind)
    return event_id


def turn(conn: Connection, event_id: int, kind: str, **changes: Any) -> int:
    """Write a turn of an event, as detection does: the row changes with its entry."""
    with conn.transaction():
        for column, value in changes.items():
            conn.execute(f"update event set {column} = %s where id = %s", (value, event_id))  # noqa: S608
        entry = factories.insert(conn, "event_entry", "id", event_id=event_id, kind=kind)
        conn.execute("select pg_notify('headwater_event', '')")
    return int(entry)
