"""Mail that came in becomes a ticket, or goes on with the one it answers: each mail once."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from service import attachments, cases, handling, tickets, topics
from service.attachments import File
from service.cases import Case
from service.findings import Desk
from service.messages import Step, tell
from service.opening import Opened
from service.tickets import Actor, Entry
from sql.pool import Connection
from sql.query import Queries

Q = Queries("tickets")
MailKind = Literal["person", "bounce", "automatic", "own"]
Outcome = Literal["opened", "joined", "continued", "bounce", "automatic", "own", "again"]
_FINISHED_DAYS = 60


@dataclass(frozen=True)
class Mail:
    """What a mail says. `threads` are tickets by id and second of opening, as our mails name them in their
    headers; `named` are tickets that the subject names."""

    message_id: str
    kind: MailKind
    sender: str
    name: str
    subject: str
    text: str
    threads: tuple[tuple[int, int], ...] = ()
    named: tuple[int, ...] = ()
    files: tuple[File, ...] = ()

    @property
    def attachments(self) -> tuple[str, ...]:
        """The names of what is attached."""
        return tuple(file.name for file in self.files)


@dataclass(frozen=True)
class Taken:
    """What became of a mail, and the ticket it is on."""

    outcome: Outcome
    ticket_id: int | None = None


@dataclass(frozen=True)
class _Sender:
    """Who wrote, as far as the address tells: a member of staff, or the customers that have it."""

    staff_id: int | None
    login: str | None
    accounts: tuple[str, ...]


def take(conn: Connection, mail: Mail, *, at: datetime, desk: Desk | None = None) -> Taken:
    """Take a mail in. Taking it again changes nothing; what a machine wrote is on record and no more."""
    given = {"message_id": mail.message_id, "sender": mail.sender, "at": at}
    if conn.execute(Q["note_mail"], given | {"outcome": _first(mail)}).fetchone() is None:
        row = conn.execute(Q["mail_ticket"], {"message_id": mail.message_id}).fetchone()
        return Taken("again", row[0] if row else None)
    if mail.kind != "person":
        return Taken(mail.kind)
    sender = _sender(conn, mail.sender)
    ticket_id = _answered(conn, mail, sender, at)
    if ticket_id is not None:
        _go_on(conn, ticket_id, mail, sender, at, desk)
        taken = Taken("continued", ticket_id)
    else:
        opened = _open(conn, mail, sender, at, desk)
        taken = Taken("joined" if opened.how == "joined" else "opened", opened.ticket_id)
    done = {"outcome": taken.outcome, "ticket_id": taken.ticket_id}
    conn.execute(Q["place_mail"], {"message_id": mail.message_id, **done})
    return taken


def _first(mail: Mail) -> str:
    return "opened" if mail.kind == "person" else mail.kind


def _sender(conn: Connection, address: str) -> _Sender:
    staff = conn.execute(Q["staff_by_email"], {"email": address}).fetchone()
    customers = conn.execute(Q["customers_by_email"], {"email": address}).fetchall()
    staff_id, login = staff or (None, None)
    return _Sender(staff_id, login, tuple(row[0] for row in customers))


def _answered(conn: Connection, mail: Mail, sender: _Sender, at: datetime) -> int | None:
    """Return the ticket that the mail goes on with.

    The headers of our own mail prove that the writer had it. A number in the subject is anybody's to write:
    it counts from staff, the ticket's customer, and who brought the matter. A ticket that was finished long
    ago is left alone.
    """
    proved = dict(mail.threads)
    for ticket_id in (*proved, *mail.named):
        row = conn.execute(Q["ticket_of_mail"], {"ticket_id": ticket_id}).fetchone()
        if row is None:
            continue
        survivor, opened_at, account_no, reporter, finished_at = row
        known = sender.staff_id is not None or account_no in sender.accounts or reporter == mail.sender
        if not known and proved.get(ticket_id) != int(opened_at.timestamp()):
            continue
        if finished_at is not None and (at - finished_at).days > _FINISHED_DAYS:
            continue
        return int(survivor)
    return None


def _go_on(
    conn: Connection, ticket_id: int, mail: Mail, sender: _Sender, at: datetime, desk: Desk | None
) -> None:
    """Put the mail on the ticket and tell the assignee, unless the assignee wrote it."""
    ticket = tickets.lock(conn, ticket_id)
    entry_id = _note(conn, ticket_id, "mail", mail.text, mail, sender, at)
    if sender.staff_id is None:
        handling.heard(conn, ticket_id, Actor(mail.sender), at)
    elif sender.staff_id == ticket.assignee_id:
        return
    step = Step("replied", f"replied:{entry_id}", why=f"{mail.name or mail.sender}: {mail.text}")
    tell(conn, ticket_id, step, webhooks=desk.webhooks if desk else (), at=at)


def _open(conn: Connection, mail: Mail, sender: _Sender, at: datetime, desk: Desk | None) -> Opened:
    account_no = _account(mail, sender.accounts)
    subject = mail.subject or mail.text.partition("\n")[0][:200] or mail.sender
    said = mail.text
    if account_no is None and sender.accounts:
        said = f"{said}\n\n[{mail.sender}: {', '.join(sender.accounts)}]"
    if mail.attachments:
        said = f"{said}\n\n[{', '.join(mail.attachments)}]"
    case = Case(
        "mail",
        topics.guess(mail.subject, mail.text),
        subject,
        said.strip(),
        account_no,
        reporter={"name": mail.name, "email": mail.sender},
    )
    opened = cases.report(
        conn, case, actor=Actor(sender.login or mail.sender, sender.staff_id), at=at, desk=desk
    )
    if mail.files:
        _note(conn, opened.ticket_id, "attached", "", mail, sender, at)
    return opened


def _note(
    conn: Connection, ticket_id: int, kind: str, why: str, mail: Mail, sender: _Sender, at: datetime
) -> int:
    """Enter what the mail brings, and keep with the entry what may be kept."""
    sorted_ = attachments.sort(mail.files)
    detail: dict[str, Any] = {"source": "mail", "from": mail.sender, "subject": mail.subject}
    if mail.files:
        detail["attachments"] = list(mail.attachments)
    if sorted_.left_out:
        detail["left_out"] = [{"name": name, "why": reason} for name, reason in sorted_.left_out]
    entry = Entry(kind, why, detail)
    entry_id = tickets.note(conn, ticket_id, entry, at=at, actor=sender.login or mail.sender)
    attachments.keep(conn, ticket_id, entry_id, sorted_.kept)
    return entry_id


def _account(mail: Mail, accounts: tuple[str, ...]) -> str | None:
    """Return whose matter it is: of several with the address, the one that the mail names."""
    if len(accounts) == 1:
        return accounts[0]
    named = [number for number in accounts if number in f"{mail.subject}\n{mail.text}"]
    return named[0] if len(named) == 1 else None
