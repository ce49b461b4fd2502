"""GET and POST /v1/series."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response

from api.answers import Responses, answers
from api.auth import Caller, needs
from api.fields import span
from api.meters.formats import MEDIA, wanted
from api.problem import refused_value
from api.series.answer import FORMS, answer
from api.series.asked import Asked, asked, by_serial, longest, of_customer, of_dma, whole
from api.series.schemas import CSV, SERIES, Series, SeriesBody, SeriesQuery
from service.utility import utility

router = APIRouter(prefix="/v1/series", tags=["series"])
Reader = Annotated[Caller, needs("readings:read")]
Accept = Annotated[str | None, Header(include_in_schema=False)]


def in_all_forms(responses: Responses, example: str) -> Responses:
    """Return documented answers with the forms that aren't JSON; `example` is the CSV."""
    content: dict[str, Any] = responses[200]["content"]
    content[MEDIA["csv"]] = {"schema": {"type": "string"}, "example": example}
    for form in ("arrow", "parquet"):
        content[MEDIA[form]] = {
            "schema": {"type": "string", "contentEncoding": "binary"},
            "example": "the same columns, typed",
        }
    return responses


DOCUMENTED = in_all_forms(answers(SERIES, 406), CSV)
POSTED = in_all_forms(answers(SERIES, 406), CSV)
POSTED[200]["content"]["application/json"]["schema"] = {"$ref": "#/components/schemas/Series"}


@router.get("", operation_id="getSeries", response_model=Series, responses=DOCUMENTED)
def get_series(
    caller: Reader, given: Annotated[SeriesQuery, Query()], request: Request, accept: Accept = None
) -> Response:
    """Stream the readings or the use of many meters, by meter and time: JSON, CSV, Arrow or Parquet."""
    return _answer(caller, given, request, accept)


# without a model of its own: a deed that is done once it is not
@router.post("", operation_id="postSeries", response_model=None, responses=POSTED)
def post_series(caller: Reader, given: SeriesBody, request: Request, accept: Accept = None) -> Response:
    """Stream a series like GET, asked for in the body: for more meters than an address holds."""
    return _answer(caller, given, request, accept)


def _answer(caller: Caller, given: SeriesQuery, request: Request, accept: str | None) -> Response:
    form = wanted(given.format, accept, FORMS)
    name, series = _asked(caller, given)
    head = {
        "kind": series.kind,
        "interval": series.interval,
        "timezone": series.decode.zone.key,
        "from": series.since,
        "to": series.until,
    }
    return answer(request, caller, series, form, f"{name}-{series.kind}-{series.interval}", head)


def _asked(caller: Caller, given: SeriesQuery) -> tuple[str, Asked]:
    """Return what the answer is of, and what is asked for."""
    if sum(map(bool, (given.meters, given.dma, given.account_no))) != 1:
        raise refused_value("query", "meters", "Name meters, or a DMA (dma), or a customer (account_no).")
    interval = given.interval or ("raw" if given.kind == "reading" else "hour")
    if (given.kind, interval) == ("usage", "raw"):
        raise refused_value("query", "interval", "Use is by hour, day or month; raw is of readings.")
    with caller.transaction() as conn:
        zone = utility(conn).zone
        most = longest(given.kind, interval)
        period = span(given.from_, given.to, caller.now(), lambda: zone, most)
        if given.account_no is not None:
            covered = whole(given.kind, interval, *period, zone)
            mine = of_customer(conn, given.account_no, *covered)
            return given.account_no, asked(given.kind, interval, mine, period, zone, given.fields)
        found = by_serial(conn, given.meters) if given.dma is None else of_dma(conn, given.dma)
    name = given.dma or (given.meters[0] if len(given.meters) == 1 else "meters")
    return name, asked(given.kind, interval, found, period, zone, given.fields)
