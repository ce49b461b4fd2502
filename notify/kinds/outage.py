"""A turn of an outage as a customer reads it: why, when, where water is to be had, whom to ask."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from core.errors import NotFoundError
from notify.channels import Message
from notify.letter import Letter
from notify.speech import Speech
from notify.words import Words, lines, one_line, said, spoken
from service.outage_facts import OutageFacts, outage_facts, reason_in
from service.outages import AtPlace, outages_of_customer
from sql.pool import Connection
from sql.query import Queries

Q = Queries("outages")
_NEAR = timedelta(days=1)


def letter(words: Words, conn: Connection, message: Message, *, pictures: bool) -> Letter:
    """Return the letter; `message.message` names the notice, or holds what it would say as `said`."""
    given = message.message
    about, address = _about(conn, given)
    others = [o for o in outages_of_customer(conn, given.get("account_no", "")) if _matters(o, about)]
    form = form_of(message.step, about, told=given["told"], spared=given["spared"])
    language = spoken(message.language)
    zone = ZoneInfo(about.timezone)
    values = told(about, language, message.created_at) | {
        "form": form,
        "name": given["name"],
        "account_no": given.get("account_no"),
        "address": address,
        "still_off": form == "restored" and any(o.state == "started" for o in others),
        "others": [_other(o, language, zone, message.created_at) for o in others],
    }
    macros = words.macros(f"{language}/outage.jinja", **values)
    values |= {
        "subject": one_line(said(macros, "subject")),
        "greeting": said(macros, "greeting"),
        "lead": said(macros, "lead"),
        "tips": lines(macros, "tips"),
        "l": macros,
        "language": language,
    }
    return Letter(
        subject=values["subject"],
        text=words.text("outage.txt.jinja", **values),
        html=words.html("outage.html.jinja", **values),
        to_name=given["name"],
        from_name=about.utility,
        zone=zone,
        thread=f"outage.{about.id}",
        urgent=form in ("started", "delayed"),
        brief=one_line(said(macros, "brief")),
    )


def form_of(step: str, about: OutageFacts, *, told: bool, spared: bool) -> str:
    """Return which form of the letter a customer gets: who hasn't been told yet is told all of it."""
    if spared:
        return "spared"
    if told or step in ("restored", "cancelled"):
        return step
    return "announced" if about.started_at is None else "started"


def told(about: OutageFacts, language: str, at: datetime) -> dict[str, Any]:
    """Return what the templates say of an outage, in words."""
    zone = ZoneInfo(about.timezone)
    speech = Speech(language, zone, at.astimezone(zone).year)
    start = about.started_at or about.starts_at
    before = about.before
    return {
        "o": about,
        "own_reason": reason_in(about, language),
        "start": speech.instant(start),
        "end": speech.instant(about.expected_end),
        "ended": speech.instant(about.ended_at),
        "period": period(speech, zone, start, about.ended_at or about.expected_end),
        "was_start": speech.instant(before.starts_at) if before else "",
        "was_end": speech.instant(before.expected_end) if before else "",
        "was_period": period(speech, zone, before.starts_at, before.expected_end) if before else "",
        "supply": [
            (s.place, period(speech, zone, s.since, s.until) if s.since and s.until else "", s.note)
            for s in about.supply
        ],
        "zone": speech.zone_name(start),
    }


def period(speech: Speech, zone: ZoneInfo, start: datetime, end: datetime) -> str:
    """Return from when to when, the day once where it is the same."""
    same_day = start.astimezone(zone).date() == end.astimezone(zone).date()
    until = f"{end.astimezone(zone):%H:%M}" if same_day else speech.instant(end)
    return f"{speech.instant(start)}{'至' if speech.language == 'zh' else ' to '}{until}"


def _about(conn: Connection, given: Mapping[str, Any]) -> tuple[OutageFacts, str | None]:
    if "said" in given:
        return outage_facts(given["said"]), None
    asked = {"id": given["notice"], "account_no": given["account_no"]}
    row = conn.execute(Q["notice"], asked).fetchone()
    if row is None:
        raise NotFoundError(f"There is no outage notice {given['notice']}.")
    return outage_facts(row[0]), row[1]


def _matters(other: AtPlace, about: OutageFacts) -> bool:
    """Whether a reader would mistake one outage for the other, or take the end of one for the end of both."""
    apart = other.starts_at > about.expected_end + _NEAR or other.expected_end < about.starts_at - _NEAR
    return other.id != about.id and (other.state == "started" or not apart)


def _other(other: AtPlace, language: str, zone: ZoneInfo, at: datetime) -> dict[str, Any]:
    speech = Speech(language, zone, at.astimezone(zone).year)
    start = other.started_at or other.starts_at
    return {
        "code": other.code,
        "cause": other.cause,
        "own_reason": reason_in(other, language),
        "period": period(speech, zone, start, other.expected_end),
        "start": speech.instant(start),
        "end_known": other.end_known,
    }
