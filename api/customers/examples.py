"""The profile that the OpenAPI document shows."""

from typing import Any

from api.events.schemas import BRIEF as EVENT
from api.tickets.schemas import BRIEF as TICKET

PROFILE: dict[str, Any] = {
    "account_no": "10023417",
    "name": "江城第三医院",
    "sector": "institutional",
    "segment": "special",
    "segment_by": "import",
    "contacts": {
        "language": "zh",
        "channel": "email",
        "phone": "+86 27 5550 0147",
        "email": "facility@hospital.example",
        "address": "江城市解放路 17 号",
        "confirmed_at": "2026-11-02T03:12:44Z",
    },
    "manager": {
        "login": "li.wei",
        "name": "李伟",
        "email": "li.wei@example.com",
        "phone": None,
        "deputy": "wang.fang",
    },
    "dma": "DMA-04",
    "dma_name": "Old Town",
    "tariff_price_m3": 4.1,
    "currency": "CNY",
    "shifts": None,
    "dwellings": 1,
    "household_size": None,
    "lives_alone": False,
    "category": "hospital",
    "needs": [],
    "version": 3,
    "updated_at": "2026-11-02T03:12:44Z",
    "service_points": [{"code": "SP-20117", "address": "江城市解放路 17 号", "dma": "DMA-04"}],
    "meters": [
        {
            "serial": "JC-00417",
            "kind": "customer",
            "service_point": "SP-20117",
            "interval_s": 900,
            "installed_at": "2024-03-01T00:00:00Z",
            "removed_at": None,
            "last_reading_at": "2026-11-21T08:00:00Z",
        }
    ],
    "use": {
        "today": "2026-11-21",
        "this_month_m3": 1320.4,
        "last_30_days_m3": 1911.7,
        "days": [{"day": "2026-11-20", "volume_m3": 66.2}, {"day": "2026-11-21", "volume_m3": 31.9}],
        "months": [{"month": "2026-10-01", "volume_m3": 1987.2, "hours": 744}],
        "same_month_last_year_m3": 1802.5,
    },
    "plan": {"month": "2026-11-01", "plan_m3": 1900.0, "used_share": 0.694947, "decided_by": "import"},
    "open_events": [EVENT],
    "past_events": [],
    "open_tickets": [TICKET],
    "past_tickets": [],
    "visits": [
        {
            "id": 31,
            "due_on": "2026-12-04",
            "kind": "cadence",
            "form": "on_site",
            "state": "due",
            "done_at": None,
            "manager": "li.wei",
        }
    ],
    "answers": [
        {
            "ticket_id": 12,
            "answered_at": "2026-10-08T02:30:00Z",
            "satisfied": True,
            "score": 5,
            "remark": "Quick.",
        }
    ],
    "outages": [],
    "doubts": [],
    "changes": [
        {
            "version": 3,
            "at": "2026-11-02T03:12:44Z",
            "actor": "li.wei",
            "why": "She called: a new number.",
            "fields": [{"field": "phone", "before": "+86 27 5550 0146", "after": "+86 27 5550 0147"}],
        }
    ],
}
