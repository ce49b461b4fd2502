"""Visits to large customers on a cause: frost or heat ahead, or a meter that reports a fault."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from psycopg.types.json import Jsonb

from service import months
from service.visit_plan import Works
from service.weather import Spell
from sql.pool import Connection
from sql.query import Queries

Q = Queries("visits")
#: Frost that returns within so many days is the same cold spell.
SAME_SPELL = timedelta(days=3)
#: A fault that has lasted so long is looked at on site, within so many working days.
STANDING, WITHIN = timedelta(days=1), 3


def for_weather(
    conn: Connection, spells: Sequence[Spell], zone: ZoneInfo, works: Works, *, at: datetime
) -> list[int]:
    """Plan the inspections ahead of frost and heat; return the new visits' ids.

    Each large customer is inspected once a cold spell or heat wave, however its forecast moves: on the
    working days until it begins, or today.
    """
    made = []
    today = at.astimezone(zone).date()
    for spell in spells:
        since, until = (t.astimezone(zone).date() for t in (spell.since, spell.until))
        extreme = "lowest_c" if spell.hazard == "frost" else "highest_c"
        cause: dict[str, Any] = {
            "hazard": spell.hazard,
            "since": since.isoformat(),
            "until": until.isoformat(),
            extreme: round(spell.extreme_c, 1),
        }
        days = [d for d in months.days(today, since) if works(d)] or [today]
        given = {
            "cause": Jsonb(cause),
            "hazard": spell.hazard,
            "near": (since - SAME_SPELL).isoformat(),
            "until": until.isoformat(),
            "period": f"{spell.hazard} {since}",
            "days": days,
        }
        conn.execute(Q["extend_spell"], given)
        made += [row[0] for row in conn.execute(Q["inspect_weather"], given).fetchall()]
    return made


def for_devices(conn: Connection, zone: ZoneInfo, works: Works, *, at: datetime) -> list[int]:
    """Plan a visit to each large customer with a device fault of a day or longer; return the new ids.

    One such visit a customer is open at a time, and a fault brings one visit.
    """
    today = at.astimezone(zone).date()
    days = [d for d in months.days(today, today + timedelta(days=31)) if works(d)][:WITHIN] or [today]
    given = {"before": at - STANDING, "days": days, "timezone": zone.key}
    return [row[0] for row in conn.execute(Q["inspect_devices"], given).fetchall()]
