"""Visits: a manager's week, the day's agendas, new inspections; and the letter that is a visit."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from babel.dates import format_date

from notify.calendar_file import MEDIA_TYPE, Entry, calendar_file
from notify.channels import Message
from notify.letter import Attachment, Letter
from notify.words import Words, lines, one_line, said, spoken
from service.utility import utility
from sql.pool import Connection

_LOCALES = {"zh": "zh_Hans_CN", "en": "en_GB"}
_DAYS = {"zh": "M月d日（EEE）", "en": "EEE d MMM"}
_MONTHS = {"zh": "y年M月", "en": "MMM y"}


def letter(words: Words, conn: Connection, message: Message, *, pictures: bool) -> Letter:
    """Return the letter."""
    language = spoken(message.language)
    to_customer = message.step == "letter"
    made = _to_customer(words, conn, message, language) if to_customer else _roll(words, message, language)
    values = {"greeting": "", "paragraphs": [], "sections": [], "closing": [], "language": language, **made}
    home = utility(conn)
    return Letter(
        subject=values["subject"],
        text=words.text("roll.txt.jinja", **values),
        html=words.html("roll.html.jinja", **values),
        to_name=one_line(message.message["customer" if to_customer else "to"]),
        from_name=home.name,
        zone=home.zone,
        attachments=[] if to_customer else _calendar(words, message, language),
    )


def _to_customer(words: Words, conn: Connection, message: Message, language: str) -> dict[str, Any]:
    about = message.message
    months = [
        {
            "month": _date(date.fromisoformat(m["month"]), language, _MONTHS),
            "used": _m3(m["used_m3"]),
            "year": _m3(m["year_m3"]) if m["year_m3"] is not None else "",
        }
        for m in about["months"]
    ]
    home = utility(conn).name
    values = {**about, "customer": one_line(about["customer"]), "months": months, "utility": home}
    macros = words.macros(f"{language}/visit.jinja", **values)
    return {
        "subject": one_line(said(macros, "subject")),
        "greeting": said(macros, "greeting"),
        "paragraphs": lines(macros, "paragraphs"),
        "closing": [home],
    }


def _roll(words: Words, message: Message, language: str) -> dict[str, Any]:
    """Return the words of a list of visits, by day, what is overdue first."""
    about, visits = message.message, message.message["visits"]
    late = sum(v["due_on"] < about["today"] for v in visits)
    rest = about["count"] - len(visits)
    causes = {item[language]: None for v in visits for item in v["cause"]}
    values: dict[str, Any] = {
        **{name: about[name] for name in ("step", "count", "stands_in_for")},
        "first": _date(date.fromisoformat(about["first"]), language, _DAYS),
        "late": late,
        "coming": about["count"] - late,
        "causes": (";" if language == "en" else "；").join(list(causes)[:2]),
        "rest": rest,
    }
    macros: Any = words.macros(f"{language}/visit.jinja", **values)
    days: dict[str, list[dict[str, Any]]] = {}
    for visit in visits:
        day = date.fromisoformat(visit["due_on"])
        over = visit["due_on"] < about["today"]
        heading = macros.overdue if over else _date(day, language, _DAYS)
        since = [_date(day, language, _DAYS)] if over else []
        days.setdefault(heading, []).append(
            {
                "title": one_line(f"{visit['customer']} · {visit['account_no']}"),
                "lines": [*since, *_lines(macros, visit, language, bool(len(causes) == 1))],
                "link": f"{words.public_url}/visits/{visit['id']}",
            }
        )
    return {
        "subject": one_line(said(macros, "subject")),
        "paragraphs": [said(macros, "stands_in")] if about["stands_in_for"] else [],
        "sections": [{"heading": heading, "rows": rows} for heading, rows in days.items()],
        "closing": [*([said(macros, "more")] if rest > 0 else []), said(macros, f"closing_{about['step']}")],
    }


def _lines(macros: Any, visit: Mapping[str, Any], language: str, one_cause: bool) -> Iterator[str]:
    how = " · ".join(filter(None, (macros.forms[visit["form"]], macros.kinds[visit["kind"]])))
    yield " · ".join(filter(None, (how, visit["address"], visit["phone"])))
    if visit["agenda"]:
        yield from (item[language] for item in visit["agenda"])
        return
    if not one_cause:
        yield from (item[language] for item in visit["cause"])
    waits = " ".join(str(macros.waits(visit["events"], visit["tickets"])).split())
    if waits:
        yield waits


def _calendar(words: Words, message: Message, language: str) -> Sequence[Attachment]:
    macros: Any = words.macros(f"{language}/visit.jinja", step="", stands_in_for=None)
    entries = [
        Entry(
            uid=f"visit-{visit['id']}@headwater",
            day=date.fromisoformat(visit["due_on"]),
            title=f"{macros.forms[visit['form']]}: {visit['customer']}",
            place=visit["address"] or "",
            text=f"{visit['account_no']} {visit['phone'] or ''}\n{words.public_url}/visits/{visit['id']}",
        )
        for visit in message.message["visits"]
        if visit["due_on"] >= message.message["today"]
    ]
    content = calendar_file(entries, message.created_at)
    return [Attachment("visits.ics", MEDIA_TYPE, content)] if entries else []


def _date(day: date, language: str, patterns: Mapping[str, str]) -> str:
    return str(format_date(day, patterns[language], locale=_LOCALES[language]))


def _m3(value: float) -> str:
    return f"{value:,.1f} m³"
