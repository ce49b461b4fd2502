"""Bounces: what mail servers say, later, of a mail that one of them had accepted (RFC 3464)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email import message_from_string
from email.message import Message
from typing import Any

from service import failures, profiles, tickets
from service.tickets import Entry
from sql.pool import Connection
from sql.query import Queries

Q = Queries("messages")
_TOKEN = re.compile(r"(?P<id>[1-9]\d{0,18})\.(?P<micros>[0-9a-f]{1,16})")
_MESSAGE_ID = re.compile(rf"<outbox\.({_TOKEN.pattern})@[^<>\s]+>")
_ABOUT_ADDRESS = ("0", "1", "2", "4")
"""Subjects of 5.x.x that say something of the address: other, addressing, mailbox, routing (RFC 3463)."""
_LONGEST = 1_000


@dataclass(frozen=True)
class Bounce:
    """What a report says of one of our messages; `status` as 5.1.1, empty where it gives none."""

    outbox_id: int
    micros: int
    recipient: str
    action: str
    status: str
    words: str

    @property
    def of_address(self) -> bool:
        """Whether mail to this address will not arrive another time either."""
        class_, _, rest = self.status.partition(".")
        return class_ == "5" and rest.partition(".")[0] in _ABOUT_ADDRESS


def is_report(mail: Message) -> bool:
    """Whether a mail is a report on the delivery of another."""
    return any(part.get_content_type() == "message/delivery-status" for part in mail.walk())


def parse(mail: Message) -> Bounce | None:
    """Read a report; None where it is none, or says nothing of a message of ours."""
    fields = [group for part in _parts(mail, "message/delivery-status") for group in _groups(part)]
    token = _token(mail, fields)
    said = next((group for group in fields if group["Action"]), None)
    if token is None or said is None:
        return None
    status = re.search(r"[245]\.\d{1,3}\.\d{1,3}", str(said["Status"] or ""))
    recipient = _value(said["Original-Recipient"]) or _value(said["Final-Recipient"])
    diagnostic = _value(said["Diagnostic-Code"])
    number = status[0] if status else ""
    words = " ".join(part for part in (number, diagnostic, f"({recipient})" if recipient else "") if part)
    action = str(said["Action"]).strip().lower()
    return Bounce(int(token["id"]), int(token["micros"], 16), recipient, action, number, words[:_LONGEST])


def take(conn: Connection, mail: Message, *, at: datetime) -> str | None:
    """Put a report on record; return what was done in one line, None where the mail is no report.

    A message that failed is `bounced`, and its ticket says so. The address of a customer becomes a task to
    verify it; of an address of a colleague the duty desk is told by another way. A delay is only noted. The
    same report taken twice changes nothing.
    """
    if not is_report(mail):
        return None
    bounce = parse(mail)
    if bounce is None:
        return "a report on a mail that is none of ours"
    return f"message {bounce.outbox_id}: {_record(conn, bounce, at)}"


def _record(conn: Connection, bounce: Bounce, at: datetime) -> str:
    row = conn.execute(Q["bounced_message"], {"id": bounce.outbox_id}).fetchone()
    if row is None or int(row[0].timestamp() * 1e6) != bounce.micros:
        return "not known"
    _, state, ticket_id, account_no, staff_id = row
    if bounce.action not in {"failed", "delayed"}:
        return f"{bounce.action}, nothing to do"
    kind = "bounced" if bounce.action == "failed" else "delayed"
    noted = {"id": bounce.outbox_id, "at": at, "kind": kind, "words": bounce.words}
    if conn.execute(Q["note_report"], noted).fetchone() is None:
        return f"{kind} already"
    if kind == "delayed":
        return kind
    conn.execute(Q["mark_bounced"], {"id": bounce.outbox_id, "words": bounce.words})
    if ticket_id is not None and state != "bounced":
        said = Entry("undeliverable", f"bounced: {bounce.words}", {"outbox_id": bounce.outbox_id})
        tickets.note(conn, ticket_id, said, at=at)
    if staff_id is not None:
        failures.tell_bounce(conn, bounce.outbox_id, staff_id, at=at)
    elif account_no is not None and bounce.of_address:
        profiles.doubt(conn, account_no, "bounced", bounce.words, at=at)
    return kind


def _token(mail: Message, fields: list[Message]) -> re.Match[str] | None:
    """Find which message it was: by the envelope's id, the returned headers, or what is answered to."""
    for group in fields:
        if found := _TOKEN.fullmatch(str(group["Original-Envelope-Id"] or "").strip()):
            return found
    returned = [str(headers["Message-ID"] or "") for headers in _returned(mail)]
    for text in [*returned, str(mail["In-Reply-To"] or ""), str(mail["References"] or "")]:
        if found := _MESSAGE_ID.search(text):
            return _TOKEN.fullmatch(found[1])
    return None


def _parts(mail: Message, *types: str) -> Iterator[Message]:
    return (part for part in mail.walk() if part.get_content_type() in types)


def _groups(part: Message) -> list[Message]:
    payload: Any = part.get_payload()
    return [group for group in payload if isinstance(group, Message)] if isinstance(payload, list) else []


def _returned(mail: Message) -> Iterator[Message]:
    """Yield the headers of the returned mail: whole, or as text."""
    for part in _parts(mail, "message/rfc822"):
        yield from _groups(part)
    for part in _parts(mail, "text/rfc822-headers", "message/rfc822-headers"):
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes):
            yield message_from_string(payload.decode("utf-8", "replace"))
        else:
            yield from _groups(part)


def _value(field: object) -> str:
    """Return what follows the type of a field such as `rfc822; name@domain`, in one line."""
    return " ".join(str(field or "").partition(";")[2].split()) or " ".join(str(field or "").split())
