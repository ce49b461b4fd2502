"""GET and POST /s/{token}: the page that a customer opens from a message, without log-in or scripts.

It shows the utility's name and the ticket's number, nothing else of the customer. Looking uses nothing up.
"""

import base64
import hashlib
from datetime import datetime
from importlib import resources
from typing import Annotated
from urllib.parse import parse_qs

import psycopg
from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests
from starlette.exceptions import HTTPException

from api.auth import unsigned
from api.surveys.words import WORDS
from core.clock import Clock
from core.settings import Settings
from service import surveys
from service.findings import Desk
from service.surveys import REMARK_MOST, Answer, Survey
from service.utility import utility
from sql.pool import Connection

router = APIRouter(include_in_schema=False)

_STYLE = resources.files("api.surveys").joinpath("style.css").read_text("utf-8")
_STYLE_SHA256 = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_SHA256}'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'",
    "X-Robots-Tag": "noindex, nofollow",
}
_STATUS = {"asked": 200, "thanks": 200, "answered": 200, "working": 200, "replaced": 200, "expired": 410,
           "forged": 404, "away": 503}  # fmt: skip
_FIELDS = 16
_AWAY = (psycopg.OperationalError, PoolTimeout, PoolClosed, TooManyRequests)
_pages = Environment(loader=PackageLoader("api", "surveys"), autoescape=True, undefined=StrictUndefined,
                     trim_blocks=True)  # fmt: skip


async def _body(request: Request) -> bytes | None:
    """Return the body; None for one that is longer than any request may be."""
    try:
        return await request.body()
    except HTTPException:
        return None


@router.api_route("/s/{token}", methods=["GET", "HEAD"])
def ask(request: Request, token: str) -> HTMLResponse:
    """Show the question, or why there is none."""
    try:
        with unsigned(request) as conn:
            found = surveys.look(conn, token, at=_now(request))
            return _page(request, conn, found, found.state)
    except _AWAY:
        return _away(request)


@router.post("/s/{token}")
def take(request: Request, token: str, body: Annotated[bytes | None, Depends(_body)]) -> HTMLResponse:
    """Take the answer; the same one again is thanked for again."""
    try:
        with unsigned(request) as conn:
            return _taken(request, conn, token, body)
    except _AWAY:
        return _away(request)


def _taken(request: Request, conn: Connection, token: str, body: bytes | None) -> HTMLResponse:
    at = _now(request)
    found = surveys.look(conn, token, at=at)
    if found.state not in {"asked", "answered"}:
        return _page(request, conn, found, found.state, refused=True)
    said = _said(body)
    wrong = _wrong(body, said, WORDS[_language(request, found)])
    if wrong:
        return _page(request, conn, found, found.state, refused=True, problem=wrong, said=said)
    answer = Answer(said["satisfied"] == "yes", int(said["score"]) if said["score"] else None, said["remark"])
    settings: Settings = request.app.state.settings
    desk = Desk(webhooks=[settings.webhook_url] if settings.webhook_url else [])
    before = surveys.answer(conn, token, answer, at=at, desk=desk)
    if before.state == "asked" or (before.state == "answered" and before.given == answer):
        thanks = "satisfied_thanks" if answer.satisfied else "dissatisfied_thanks"
        return _page(request, conn, before, thanks)
    return _page(request, conn, before, before.state, refused=True)


def _said(body: bytes | None) -> dict[str, str]:
    """Return the fields of the form as text, without what no keyboard writes."""
    try:
        fields = parse_qs((body or b"").decode("utf-8", "replace"), max_num_fields=_FIELDS)
    except ValueError:
        fields = {}
    satisfied, score, remark = (fields.get(name, [""])[-1] for name in ("satisfied", "score", "remark"))
    remark = "".join(c for c in remark.replace("\r\n", "\n") if c.isprintable() or c == "\n").strip()
    return {
        "satisfied": satisfied if satisfied in {"yes", "no"} else "",
        "score": score if score in {"1", "2", "3", "4", "5"} else "",
        "remark": remark,
    }


def _wrong(body: bytes | None, said: dict[str, str], words: dict[str, str]) -> str:
    if body is None:
        return words["too_much"].format(most=REMARK_MOST)
    if not said["satisfied"]:
        return words["choose"]
    if len(said["remark"]) > REMARK_MOST:
        return words["too_long"].format(most=REMARK_MOST, length=len(said["remark"]))
    return ""


def _page(
    request: Request,
    conn: Connection | None,
    found: Survey,
    says: str,
    *,
    refused: bool = False,
    problem: str = "",
    said: dict[str, str] | None = None,
) -> HTMLResponse:
    language = _language(request, found)
    words = WORDS[language]
    shown = _pages.get_template("page.html.jinja").render(
        language=language,
        utility=utility(conn).name if conn else "",
        title=words[says].format(ticket=found.ticket_id),
        more=words[f"{says}_more"].format(ticket=found.ticket_id),
        asks=says == "asked",
        problem=problem,
        said=said or {"satisfied": "", "score": "", "remark": ""},
        w=words,
        most=REMARK_MOST,
        style=Markup(_STYLE),  # noqa: S704 - our own file
    )
    status = 422 if problem else _STATUS.get(says, 200)
    return HTMLResponse(shown, 409 if refused and status == 200 else status, headers=dict(_HEADERS))


def _away(request: Request) -> HTMLResponse:
    page = _page(request, None, Survey("forged"), "away")
    page.headers["Retry-After"] = "60"
    return page


def _language(request: Request, found: Survey) -> str:
    """Return the customer's language; of a link that names nobody, what the browser asks for first."""
    if found.language in WORDS:
        return str(found.language)
    asked = request.headers.get("accept-language", "").lower()
    places = {language: asked.find(language) for language in WORDS}
    known = {language: place for language, place in places.items() if place >= 0}
    return min(known, key=lambda language: known[language]) if known else "zh"


def _now(request: Request) -> datetime:
    clock: Clock = request.app.state.clock
    return clock.now()
