"""GET /v1/meters/silent: from whom nothing comes, meter by meter and by DMA."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api import page
from api.answers import answers, page_of
from api.auth import Caller, needs
from api.fields import Name
from api.meters.formats import csv_response, rows_csv
from api.page import Page
from api.rows import filtered
from core.words import MeterKind

router = APIRouter(prefix="/v1/meters/silent", tags=["meters"])
Reader = Annotated[Caller, needs("readings:read")]
CSV_MOST = 100_000
Intervals = Annotated[
    int, Field(ge=1, le=10_000, description="Not heard for more than so many reporting intervals.")
]
LeastHours = Annotated[
    float,
    Field(ge=0, le=10_000, description="And for more than this: who sends once a day is late after 26 h."),
]


class Silence(BaseModel):
    """How long is silent."""

    model_config = ConfigDict(extra="forbid")

    intervals: Intervals = 6
    least_h: LeastHours = 26.0


class SilentFilter(page.Filter):
    """Which meters."""

    intervals: Intervals = 6
    least_h: LeastHours = 26.0
    dma: Name | None = Field(None, description="Code of the district metered area.")
    format: Literal["json", "csv"] = "json"


class Silent(BaseModel):
    """A meter in use from which nothing comes."""

    meter: str
    kind: MeterKind
    interval_s: int
    dma: str | None
    account_no: str | None
    address: str | None
    heard_at: datetime | None = Field(description="When something was received last; null: never.")
    last_reading_at: datetime | None = Field(description="The latest time that its readings carry.")


class SilentDma(BaseModel):
    """How many meters of a DMA are silent."""

    dma: str | None = Field(description="Null: meters without one.")
    name: str | None
    region: str | None
    meters: int = Field(description="In use.")
    silent: int
    longest_since: datetime | None = Field(
        description="Since when the longest is; null: none was ever heard."
    )


class SilentDmas(BaseModel):
    """The DMAs with silent meters, those with most of them first."""

    items: list[SilentDma]


SILENT: dict[str, Any] = {
    "meter": "JC-00417",
    "kind": "customer",
    "interval_s": 900,
    "dma": "north-3",
    "account_no": "10023417",
    "address": "江城市工业路 2 号",
    "heard_at": "2026-11-18T23:10:04Z",
    "last_reading_at": "2026-11-18T23:00:00Z",
}
SILENT_DMA: dict[str, Any] = {
    "dma": "north-3",
    "name": "城北三区",
    "region": "north",
    "meters": 412,
    "silent": 37,
    "longest_since": "2026-11-18T23:10:04Z",
}
PAGE = answers(page_of(SILENT, "/v1/meters/silent"), paged=True)
PAGE[200]["content"]["text/csv"] = {
    "schema": {"type": "string"},
    "example": "meter,kind,interval_s,dma,account_no,address,heard_at,last_reading_at\r\n"
    "JC-00417,customer,900,north-3,10023417,,2026-11-18T23:10:04Z,2026-11-18T23:00:00Z\r\n",
}


@router.get("", operation_id="listSilentMeters", response_model=Page[Silent], responses=PAGE)
def list_silent(
    caller: Reader, given: Annotated[SilentFilter, Query()], request: Request, response: Response
) -> Any:
    """List meters in use that were not heard for longer than they should; `format=csv` for all at once."""
    (after,) = page.decode("silent", tuple[int], given.cursor, (0,))
    csv = given.format == "csv"
    with caller.transaction() as conn:
        found = filtered(
            conn,
            "health.silent",
            after=after,
            dma=given.dma,
            at=caller.now(),
            intervals=given.intervals,
            least_s=given.least_h * 3600,
            limit=CSV_MOST if csv else given.limit + 1,
        )
    if csv:
        return csv_response("silent-meters", rows_csv(tuple(Silent.model_fields), found))
    ids = {row["meter"]: row["id"] for row in found}
    items = [Silent(**row) for row in found]
    return page.build(request, response, "silent", items, given.limit, lambda m: (ids[m.meter],))


@router.get("/dmas", operation_id="listSilentDmas", responses=answers({"items": [SILENT_DMA]}))
def list_dmas(caller: Reader, given: Annotated[Silence, Query()]) -> SilentDmas:
    """Count silent meters by DMA, most first: where all are, it is the gateway."""
    with caller.transaction() as conn:
        found = filtered(
            conn,
            "health.silent_dmas",
            at=caller.now(),
            intervals=given.intervals,
            least_s=given.least_h * 3600,
        )
    return SilentDmas(items=[SilentDma(**row) for row in found])
