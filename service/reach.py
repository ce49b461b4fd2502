"""How a person is reached: by which channels, in which language, and when."""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from core.errors import BadDataError, NotFoundError
from service import addresses
from sql.pool import Connection
from sql.query import Queries

Q = Queries("reach")
STORM_MESSAGES, STORM_S = 5, 600
MOST_WAYS = 10
"""More messages than these to one person about one district in so long are a storm."""
CHANNELS = ("email", "webhook", "sms", "wecom", "dingtalk", "feishu", "apprise")
_OPEN = ("email", "sms")
_URL = re.compile(r"https?://[^\s…]+")
_FORMS = {
    "email": re.compile(r"[^\s@]+@[^\s@]+"),
    "sms": re.compile(r"\+?[0-9][0-9 -]{2,24}"),
    "apprise": re.compile(r"[a-z0-9]+://[^\s…]+"),
} | dict.fromkeys(("webhook", "wecom", "dingtalk", "feishu"), _URL)
_CURES = {
    "email": "Write name@domain.",
    "sms": "Write a phone number in digits.",
    "apprise": "Write an address that apprise knows, whole.",
    "webhook": "Write the whole address: https://...",
    "wecom": "Write the whole address: https://...",
    "dingtalk": "Write the whole address: https://...",
    "feishu": "Write the whole address: https://...",
}


@dataclass(frozen=True)
class Way:
    """A channel and the address there."""

    channel: str
    recipient: str
    language: str
    name: str


@dataclass(frozen=True)
class Reachable:
    """A member of staff and their addresses; `channels` are (channel, address, what it is used for)."""

    name: str
    language: str
    email: str | None
    webhook_url: str | None
    channels: Sequence[tuple[str, str, str]]

    def ways(self, *, urgent: bool) -> list[Way]:
        """Return the ways to the person, as `of_staff` does."""
        given = [(channel, address) for channel, address, uses in self.channels if urgent or uses == "all"]
        if self.email and not any(uses == "all" and name != "webhook" for name, _, uses in self.channels):
            given.insert(0, ("email", self.email))
        if self.webhook_url:
            given.append(("webhook", self.webhook_url))
        return [Way(channel, address, self.language, self.name) for channel, address in dict.fromkeys(given)]


@dataclass(frozen=True)
class Timing:
    """When a message goes out. `held_for` says what it is gathered for: `digest`, `storm`, or empty."""

    not_before: datetime
    held_for: str = ""
    dma_id: int | None = None


def of_staff(conn: Connection, staff_id: int, *, urgent: bool, at: datetime) -> list[Way]:
    """Return the ways to a member of staff, none where there is no address.

    Channels for everything come in place of e-mail, those for what is urgent in addition; a program of the
    person's own gets posts as well.
    """
    found = of_many(conn, [staff_id]).get(staff_id)
    return found.ways(urgent=urgent) if found else []


def of_many(conn: Connection, staff_ids: Collection[int]) -> dict[int, Reachable]:
    """Return how members of staff are reached, by id, in one statement; who doesn't exist is left out."""
    rows: dict[int, list[tuple[Any, ...]]] = {}
    for staff_id, *row in conn.execute(Q["staff_ways"], {"staff_ids": sorted(set(staff_ids))}):
        rows.setdefault(staff_id, []).append(tuple(row))
    return {
        staff_id: Reachable(name, language, email, url, [way[4:] for way in found if way[4]])
        for staff_id, found in rows.items()
        for name, language, email, url, *_ in found[:1]
    }


def in_turn(conn: Connection, staff_id: int, *, urgent: bool) -> list[tuple[str, str]]:
    """Return by which ways and addresses a person can read a message, in turn, e-mail last."""
    person = of_many(conn, [staff_id]).get(staff_id)
    if person is None:
        return []
    chosen = [
        (channel, address)
        for channel, address, uses in person.channels
        if channel != "webhook" and (urgent or uses == "all")
    ]
    mail = [("email", person.email)] if person.email else []
    return [way for way in dict.fromkeys(chosen) if way not in mail] + mail


def of_customer(conn: Connection, account_no: str) -> list[Way]:
    """Return the way to a customer, none where there is no address on record."""
    return [Way(*row) for row in conn.execute(Q["customer_ways"], {"account_no": account_no})]


def timings(conn: Connection, asked: Sequence[tuple[int, int | None, str]], *, at: datetime) -> list[Timing]:
    """Return when messages that aren't urgent go to members of staff: each is (staff id, ticket id, channel).

    Who wants a digest gets it at that hour; else, in a storm of messages about one district, those after the
    first few are gathered for ten minutes; nothing arrives in quiet hours.
    """
    if not asked:
        return []
    staff, tickets, channels = map(list, zip(*asked, strict=True))
    since = at - timedelta(seconds=STORM_S)
    params = {"staff": staff, "tickets": tickets, "channels": channels, "since": since}
    rows = conn.execute(Q["staff_timings"], {**params, "most": STORM_MESSAGES}).fetchall()
    found: list[Timing] = []
    recent: Counter[tuple[int, int, str]] = Counter()
    for (staff_id, _, channel), row in zip(asked, rows, strict=True):
        quiet_from, quiet_until, digest_at, zone_name, dma_id, before, held_until = row
        zone = ZoneInfo(zone_name or "UTC")
        if digest_at is not None:
            found.append(Timing(next_at(at, digest_at, zone), "digest", dma_id))
            continue
        due, held_for = at, ""
        if dma_id is not None:
            recent[staff_id, dma_id, channel] += 1
            if before + recent[staff_id, dma_id, channel] > STORM_MESSAGES:
                due, held_for = held_until or at + timedelta(seconds=STORM_S), "storm"
        found.append(Timing(after_quiet(due, quiet_from, quiet_until, zone), held_for, dma_id))
    return found


def next_at(at: datetime, hour: time, zone: ZoneInfo) -> datetime:
    """Return the first instant after `at` when it is `hour` in the zone."""
    day = at.astimezone(zone).date()
    while (due := datetime.combine(day, hour, zone)) <= at:
        day += timedelta(days=1)
    return due.astimezone(at.tzinfo)


def after_quiet(at: datetime, quiet_from: time | None, quiet_until: time | None, zone: ZoneInfo) -> datetime:
    """Return `at`, or the end of the quiet hours that it falls in; they may go past midnight."""
    if quiet_from is None or quiet_until is None or quiet_from == quiet_until:
        return at
    clock = at.astimezone(zone).time()
    if quiet_from < quiet_until:
        quiet = quiet_from <= clock < quiet_until
    else:
        quiet = clock >= quiet_from or clock < quiet_until
    return next_at(at, quiet_until, zone) if quiet else at


def masked(channel: str, address: str) -> str:
    """Return an address as it may be shown: of one that is a key in itself, where it leads and its end."""
    if channel in _OPEN or "://" not in address:
        return address
    parts = urlsplit(address)
    where = re.sub(r"^.*@", "", parts.netloc) if parts.scheme in ("http", "https") else "…"
    return f"{parts.scheme}://{where}/…{address[-4:]}"


@dataclass(frozen=True)
class StaffChannel:
    """A channel of a member of staff; the secret is never given out: `signed` says whether there is one."""

    channel: str
    address: str
    secret: str = ""
    uses: str = "all"
    signed: bool = False


@dataclass(frozen=True)
class Preferences:
    """How a member of staff wants to be reached; times of day are the utility's."""

    email: str | None
    channels: Sequence[StaffChannel]
    quiet_from: time | None
    quiet_until: time | None
    digest_at: time | None


def require_form(channel: str, address: str) -> None:
    """Raise BadDataError for an address that its channel can't use."""
    if not _FORMS[channel].fullmatch(address):
        raise BadDataError(f"That is no address for {channel}.", cure=_CURES[channel])


def preferences(conn: Connection, login: str) -> Preferences:
    """Return how a member of staff is reached; NotFoundError where there is none of that name."""
    row = conn.execute(Q["preferences"], {"login": login}).fetchone()
    if row is None:
        raise NotFoundError(f"There is no member of staff {login!r}.")
    staff_id, email, *times = row
    rows = conn.execute(Q["channels"], {"staff_id": staff_id})
    ways = [StaffChannel(channel, address, "", uses, signed) for channel, address, uses, signed in rows]
    return Preferences(email, ways, *times)


def require_usable(channel: str, address: str, *, private_too: bool) -> None:
    """Raise BadDataError for an address that its channel can't use, or that leads into our own network."""
    require_form(channel, address)
    if _FORMS[channel] is _URL:
        addresses.check(address, private_too=private_too)


def prefer(conn: Connection, login: str, wanted: Preferences, *, private_too: bool) -> None:
    """Put these in place of what stood; BadDataError for an address that can't be used."""
    for way in wanted.channels:
        require_usable(way.channel, way.address, private_too=private_too)
    if len({(way.channel, way.address) for way in wanted.channels}) < len(wanted.channels):
        raise BadDataError("An address stands there twice.", cure="Name each once.")
    set_times(conn, login, wanted.quiet_from, wanted.quiet_until, wanted.digest_at)
    staff_id = staff_id_of(conn, login)
    conn.execute(Q["drop_channels"], {"staff_id": staff_id})
    for position, way in enumerate(wanted.channels):
        given = {"channel": way.channel, "address": way.address, "secret": way.secret, "uses": way.uses}
        conn.execute(Q["add_channel"], {"staff_id": staff_id, "position": position, **given})


def add_way(conn: Connection, login: str, way: StaffChannel, *, private_too: bool) -> None:
    """Add a way to those of a member of staff, last; one that stands there already is replaced."""
    require_usable(way.channel, way.address, private_too=private_too)
    staff_id, found = staff_id_of(conn, login), preferences(conn, login)
    if len(found.channels) >= MOST_WAYS:
        raise BadDataError(f"{MOST_WAYS} ways are the most.", cure="Remove one first.")
    drop_way(conn, login, way.channel, way.address)
    given = {"channel": way.channel, "address": way.address, "secret": way.secret, "uses": way.uses}
    conn.execute(Q["add_channel"], {"staff_id": staff_id, "position": len(found.channels), **given})


def drop_way(conn: Connection, login: str, channel: str, address: str) -> None:
    """Remove a way of a member of staff, if it is there."""
    gone = {"staff_id": staff_id_of(conn, login), "channel": channel, "address": address}
    conn.execute(Q["drop_channel"], gone)


def set_times(
    conn: Connection, login: str, quiet_from: time | None, quiet_until: time | None, digest_at: time | None
) -> None:
    """Set quiet hours and the hour of the digest; quiet hours have both ends or none."""
    if (quiet_from is None) != (quiet_until is None):
        raise BadDataError("Quiet hours have a beginning and an end.", cure="Give both, or neither.")
    given = {"quiet_from": quiet_from, "quiet_until": quiet_until, "digest_at": digest_at}
    if conn.execute(Q["set_times"], {"login": login, **given}).fetchone() is None:
        raise NotFoundError(f"There is no member of staff {login!r}.")


def staff_id_of(conn: Connection, login: str) -> int:
    """Return the id of an active member of staff."""
    row = conn.execute(Q["preferences"], {"login": login}).fetchone()
    if row is None:
        raise NotFoundError(f"There is no member of staff {login!r}.")
    return int(row[0])
