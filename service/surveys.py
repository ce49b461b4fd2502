"""Closing the loop: ask the customer after a resolution, and take the ticket up again if it was none.

A link carries ticket, round and expiry, signed with the key of this installation: a forged or expired one is
told without looking anything up. What is stored is the hash of the link, and the answer: one a link.
"""

import base64
import binascii
import hashlib
import hmac
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from core.errors import ConflictError, NotFoundError
from service import outbox, reach, tickets
from service.findings import Desk
from service.messages import Step, Telling, tell, tell_all
from service.outbox import Outgoing
from service.priority import RANK, Level, Priority
from service.superiors import Superiors
from service.tickets import Actor, Entry, Ticket
from service.utility import utility
from sql.pool import Connection
from sql.query import Queries

Q = Queries("surveys")
#: The longest remark, in characters.
REMARK_MOST = 2_000
CUSTOMER = Actor("customer")

How = Literal["link", "hotline", "counter", "visit"]
State = Literal["asked", "answered", "working", "replaced", "expired", "forged"]
_FORM = struct.Struct(">QHI")
_MAC_BYTES = 16
_OVER = ("resolved", "confirmed")
_HIGHER: dict[str, Level] = {"low": "normal", "normal": "high", "high": "urgent", "urgent": "urgent"}


@dataclass(frozen=True)
class Answer:
    """What the customer says: satisfied or not, a score from 1 (bad) to 5, a remark of up to 2,000 signs."""

    satisfied: bool
    score: int | None = None
    remark: str = ""


@dataclass(frozen=True)
class Survey:
    """A question as its link finds it.

    `working`: the ticket is open again, there is nothing to judge yet; `replaced`: a newer question has been
    asked. Of a forged link nothing is known.
    """

    state: State
    ticket_id: int = 0
    round: int = 0
    language: str | None = None
    given: Answer | None = None
    id: int = 0


def on_resolved(conn: Connection, ticket_id: int, *, at: datetime, desk: Desk | None = None) -> int | None:
    """Ask the customer about a ticket that a person has resolved; return the round, None if nobody is asked.

    Nobody is asked of a ticket without a customer. A customer who can't be reached, or who was asked about
    another ticket a short while ago, is not written to, and an entry says so.
    """
    row = conn.execute(Q["survey_ticket"], {"ticket_id": ticket_id}).fetchone()
    if row is None:
        raise NotFoundError(f"There is no ticket {ticket_id}.")
    state, account_no, subject, group, opened_at, name, last = row
    if account_no is None or state != "resolved":
        return None
    valid_days, _, rest_days = _policy(conn)
    ways = reach.of_customer(conn, account_no)
    lately = {"account_no": account_no, "ticket_id": ticket_id, "after": at - timedelta(days=rest_days)}
    hindrance = ""
    if not ways:
        hindrance = "the customer has no address: ask by telephone"
    elif last == 0 and conn.execute(Q["asked_lately"], lately).fetchall()[0][0]:
        hindrance = "the customer was asked about another ticket a short while ago"
    if hindrance:
        tickets.note(conn, ticket_id, Entry("survey_unsent", hindrance), at=at)
        return None
    round_, expires_at = int(last) + 1, (at + timedelta(days=valid_days)).replace(microsecond=0)
    link = token(conn, ticket_id, round_, expires_at)
    if _insert(conn, ticket_id, round_, "link", at, expires_at, link) is None:
        return None
    supplier = utility(conn)
    facts = {
        "ticket": {"id": ticket_id, "subject": subject, "grp": group, "opened_at": opened_at.isoformat()},
        "round": round_,
        "expires_at": expires_at.isoformat(),
        "customer": name,
        "utility": {"name": supplier.name, "timezone": supplier.zone.key},
    }
    for way in ways:
        out = Outgoing(
            kind="survey",
            step="asked",
            channel=way.channel,
            recipient=way.recipient,
            language=way.language,
            key=f"survey:{ticket_id}:{round_}:{way.channel}:{way.recipient}",
            message=facts,
            ticket_id=ticket_id,
            account_no=account_no,
        )
        outbox.enqueue(conn, out, at=at)
    entry = Entry("survey_sent", "", {"round": round_, "until": expires_at.isoformat()})
    tickets.note(conn, ticket_id, entry, at=at)
    return round_


def token(conn: Connection, ticket_id: int, round_: int, expires_at: datetime) -> str:
    """Return what a link ends with: 40 characters that stand for ticket, round and expiry, signed."""
    said = _FORM.pack(ticket_id, round_, int(expires_at.timestamp()))
    return base64.urlsafe_b64encode(said + _mac(conn, said)).decode()


def look(conn: Connection, link: str, *, at: datetime) -> Survey:
    """Return what the link stands for at `at`; looking changes nothing."""
    try:
        raw = base64.b64decode(link, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    said, mac = raw[: _FORM.size], raw[_FORM.size :]
    if len(said) != _FORM.size or not hmac.compare_digest(mac, _mac(conn, said)):
        return Survey("forged")
    ticket_id, round_, expires_s = _FORM.unpack(said)
    row = conn.execute(Q["survey"], {"ticket_id": ticket_id, "round": round_}).fetchone()
    if row is None or row[3] != _digest(link):
        return Survey("forged")
    id_, _, _, _, _, answered_at, satisfied, score, remark, ticket_state, language, latest = row
    given = None if answered_at is None else Answer(satisfied, score, remark or "")
    state: State = "asked"
    if given is not None:
        state = "answered"
    elif at >= datetime.fromtimestamp(expires_s, UTC):
        state = "expired"
    elif ticket_state not in _OVER:
        state = "working"
    elif not latest:
        state = "replaced"
    return Survey(state, ticket_id, round_, language, given, id_)


def answer(conn: Connection, link: str, said: Answer, *, at: datetime, desk: Desk | None = None) -> Survey:
    """Take the customer's answer to the link; return the question as it stood when the answer came.

    Only an `asked` one takes it. Of two at once the first is taken; the other finds it `answered`.
    """
    found = look(conn, link, at=at)
    if found.state == "forged":
        return found
    ticket = tickets.lock(conn, found.ticket_id)
    found = look(conn, link, at=at)
    if found.state == "asked":
        _take(conn, ticket, found, said, "link", CUSTOMER, at, desk)
    return found


def record(
    conn: Connection,
    ticket_id: int,
    said: Answer,
    how: How,
    *,
    actor: Actor,
    at: datetime,
    desk: Desk | None = None,
) -> None:
    """Take an answer that the customer gave to a member of staff, asked by message or not.

    Raises ConflictError unless the ticket is resolved or confirmed and this resolution has no answer yet.
    """
    ticket = tickets.lock(conn, ticket_id)
    if ticket.state not in _OVER:
        raise ConflictError(
            f"Ticket {ticket_id} is {ticket.state}: there is no resolution to judge yet.",
            cure="Resolve it first.",
        )
    latest = conn.execute(Q["latest_survey"], {"ticket_id": ticket_id}).fetchone()
    id_, round_, is_of_this, is_answered = latest or (None, 0, False, False)
    if is_of_this and is_answered:
        raise ConflictError(
            f"The customer has answered for this resolution of ticket {ticket_id} already.",
            cure="Its entries show the answer; reopen the ticket if the matter isn't settled.",
        )
    if not is_of_this:
        round_ += 1
        id_ = _insert(conn, ticket_id, round_, how, at, at, None)
    _take(conn, ticket, Survey("asked", ticket_id, round_, id=id_ or 0), said, how, actor, at, desk)


def settle(conn: Connection, *, at: datetime, limit: int = 10_000) -> int:
    """Confirm up to `limit` tickets resolved a while ago that nobody objects to; return how many."""
    _, confirm_days, _ = _policy(conn)
    params = {"at": at, "before": at - timedelta(days=confirm_days), "days": confirm_days, "limit": limit}
    return conn.execute(Q["confirm_silent"], params).rowcount


def _take(
    conn: Connection,
    ticket: Ticket,
    survey: Survey,
    said: Answer,
    how: How,
    actor: Actor,
    at: datetime,
    desk: Desk | None,
) -> None:
    conn.execute(
        Q["answer_survey"],
        {
            "id": survey.id,
            "at": at,
            "satisfied": said.satisfied,
            "score": said.score,
            "remark": said.remark or None,
            "channel": how,
            "recorded_by": None if how == "link" else actor.name,
        },
    )
    detail = {"round": survey.round, "channel": how, "satisfied": said.satisfied, "score": said.score}
    tickets.note(conn, ticket.id, Entry("survey_answered", said.remark, detail), at=at, actor=actor.name)
    if said.satisfied:
        if ticket.state == "resolved":
            tickets.confirm(conn, ticket.id, actor=actor, at=at, why="the customer is satisfied")
        return
    why = said.remark or "the customer is not satisfied"
    tickets.reopen(conn, ticket.id, actor=actor, at=at, why=why)
    higher = _HIGHER[ticket.priority]
    if RANK[higher] > RANK[ticket.priority]:
        tickets.raise_priority(conn, ticket.id, Priority(higher, ("dissatisfied",)), at=at)
    step = Step("dissatisfied", f"dissatisfied:{survey.round}", reasons=("dissatisfied",), why=said.remark)
    tell(conn, ticket.id, step, webhooks=desk.webhooks if desk else (), at=at)
    _tell_above(conn, ticket, survey, said, at)


def _tell_above(conn: Connection, ticket: Ticket, survey: Survey, said: Answer, at: datetime) -> None:
    """Tell who is above the resolver, where the customer was dissatisfied with an earlier resolution, too."""
    ((times, resolved_by),) = conn.execute(Q["dissatisfied"], {"id": survey.id}).fetchall()
    superior = Superiors(conn, at).at_level(resolved_by, 1) if times > 1 else None
    if superior is None:
        return
    detail = {"cause": "dissatisfied", "times": times, "to": superior.staff_id}
    tickets.note(conn, ticket.id, Entry("escalated", superior.why, detail), at=at)
    if superior.staff_id not in {None, ticket.assignee_id}:
        step = Step("dissatisfied_again", f"dissatisfied_again:{survey.round}", why=said.remark)
        tell_all(conn, [Telling(ticket.id, step, superior.staff_id)], at=at)


def _insert(
    conn: Connection,
    ticket_id: int,
    round_: int,
    how: How,
    at: datetime,
    expires_at: datetime,
    link: str | None,
) -> int | None:
    params = {
        "ticket_id": ticket_id,
        "round": round_,
        "token_sha256": None if link is None else _digest(link),
        "at": at,
        "expires_at": expires_at,
        "channel": how,
    }
    row = conn.execute(Q["insert_survey"], params).fetchone()
    return None if row is None else int(row[0])


def _policy(conn: Connection) -> tuple[int, int, int]:
    valid_days, confirm_days, rest_days = conn.execute(Q["survey_policy"]).fetchall()[0]
    return valid_days, confirm_days, rest_days


def _mac(conn: Connection, said: bytes) -> bytes:
    key: bytes = conn.execute(Q["survey_key"]).fetchall()[0][0]
    return hmac.digest(key, b"survey" + said, "sha256")[:_MAC_BYTES]


def _digest(link: str) -> bytes:
    return hashlib.sha256(link.encode()).digest()
