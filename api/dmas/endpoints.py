"""GET /v1/dmas/{code}/months."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Query

from api.answers import answers
from api.auth import Caller, needs
from api.dmas.schemas import MONTHS, DmaMonth, Months, Since
from api.fields import Name
from api.rows import rows
from core.errors import NotFoundError
from service.utility import utility

router = APIRouter(prefix="/v1/dmas", tags=["dmas"])
Reader = Annotated[Caller, needs("readings:read")]
Code = Annotated[Name, Path(description="Code of the DMA.")]


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


def _a_year_before(today: date) -> date:
    return date(today.year - (today.month < 12), today.month % 12 + 1, 1)
