"""GET /v1/dmas: how each stands, its months and its nights."""

from datetime import date, timedelta
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Path, Query, Request, Response

from api import page
from api.answers import answers, page_of
from api.auth import Caller, needs
from api.dmas.schemas import (
    DMA,
    MONTHS,
    NIGHTS,
    Dma,
    DmaFilter,
    DmaMonth,
    Months,
    Night,
    NightFilter,
    Nights,
    Since,
)
from api.fields import Name, midnight
from api.page import Page
from api.problem import refused_value
from api.rows import Row, filtered, rows
from core.errors import NotFoundError
from service.utility import utility

router = APIRouter(prefix="/v1/dmas", tags=["dmas"])
Reader = Annotated[Caller, needs("readings:read")]
Code = Annotated[Name, Path(description="Code of the DMA.")]
USUAL, LEAST_NIGHTS = timedelta(days=28), 7
LONGEST = timedelta(days=400)


@router.get("", operation_id="listDmas", responses=answers(page_of(DMA, "/v1/dmas"), paged=True))
def list_dmas(
    caller: Reader, given: Annotated[DmaFilter, Query()], request: Request, response: Response
) -> Page[Dma]:
    """List the DMAs by code, each with the figures of a month and its open events."""
    (after,) = page.decode("dmas", tuple[str], given.cursor, ("",))
    month = given.month and given.month.replace(day=1)
    asked = {"after": after, "code": None, "region": given.region, "month": month, "limit": given.limit + 1}
    with caller.transaction() as conn:
        found = [Dma.model_validate(row) for row in filtered(conn, "network.dmas", **asked)]
    return page.build(request, response, "dmas", found, given.limit, lambda d: (d.code,))


@router.get("/{code:path}/months", operation_id="getDmaMonths", responses=answers(MONTHS, 404))
def get_months(caller: Reader, code: Code, given: Annotated[Since, Query()]) -> Months:
    """Return a DMA's water balance, losses and pressure quality by month, the newest first."""
    with caller.transaction() as conn:
        today = caller.now().astimezone(utility(conn).zone).date()
        since = (given.since or _a_year_before(today)).replace(day=1)
        if not rows(conn, "dma", code=code):
            raise NotFoundError(f"No DMA {code}.")
        found = rows(conn, "dma_months", code=code, since=since)
        sensors = rows(conn, "pressure_months", code=code, since=since)
    items = []
    for month in found:
        own = [s for s in sensors if s["month"] == month["month"]]
        items.append(DmaMonth.model_validate({**month, "sensors": own}))
    return Months(items=items)


@router.get("/{code:path}/nights", operation_id="getDmaNights", responses=answers(NIGHTS, 404))
def get_nights(caller: Reader, code: Code, given: Annotated[NightFilter, Query()]) -> Nights:
    """Return a DMA's minimum night flow by day, beside what was usual in the four weeks before each."""
    with caller.transaction() as conn:
        zone = utility(conn).zone
        today = caller.now().astimezone(zone).date()
        since = given.since or today - timedelta(days=90)
        if today - since > LONGEST:
            raise refused_value("query", "since", f"At most {LONGEST.days} days back.")
        if not rows(conn, "dma", code=code):
            raise NotFoundError(f"No DMA {code}.")
        asked = {"since": midnight(since - USUAL, zone), "until": caller.now(), "timezone": zone.key}
        found = rows(conn, "network.nights", code=code, **asked)
    return Nights(items=[night for night in _beside_usual(found) if night.night >= since])


@router.get("/{code:path}", operation_id="getDma", responses=answers(DMA, 404))
def get_dma(caller: Reader, code: Code) -> Dma:
    """Return how one DMA stands, with the figures of its latest month."""
    asked = {"after": "", "code": code, "region": None, "month": None, "limit": 1}
    with caller.transaction() as conn:
        found = filtered(conn, "network.dmas", **asked)
    if not found:
        raise NotFoundError(f"No DMA {code}.")
    return Dma.model_validate(found[0])


def _beside_usual(nights: list[Row]) -> list[Night]:
    made, day = [], np.array([row["night"] for row in nights], "M8[D]")
    flow = np.array([row["lph"] for row in nights])
    for i, row in enumerate(nights):
        before = flow[np.searchsorted(day, day[i] - np.timedelta64(USUAL.days, "D")) : i]
        low, high = np.percentile(before, [10, 90]) if len(before) >= LEAST_NIGHTS else (None, None)
        made.append(Night(**row, usual_low_lph=low, usual_high_lph=high))
    return made


def _a_year_before(today: date) -> date:
    return date(today.year - (today.month < 12), today.month % 12 + 1, 1)
