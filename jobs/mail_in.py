"""The `headwater mail-in` command: a mail server hands over one mail on standard input.

In the `aliases` of Postfix: `service: "|headwater mail-in"`. The exit code is one of sysexits.h, by
which mail servers know what to do: keep the mail and try again, or send it back.
"""

import sys
from email import message_from_bytes

import structlog
import typer

from core import logs
from core.clock import SystemClock
from core.errors import BadDataError, HeadwaterError, SettingsError
from core.settings import Settings, load
from jobs.where import located
from notify import inbound
from service import bounces, inbox
from service.findings import Desk
from service.utility import utility
from sql.pool import connect

OK, BAD_DATA, TRY_AGAIN, WRONG_SETTINGS = 0, 65, 75, 78
log = structlog.get_logger(__name__)


def standard_input() -> bytes:
    """Return the mail, or as much of it as shows that it is too long."""
    return sys.stdin.buffer.read(inbound.LONGEST_BYTES + 1)


def run(raw: bytes) -> int:
    """Take the mail in and return the exit code: 65 no mail or too long, 75 try again, 78 wrong settings."""
    try:
        settings = located(load())
    except SettingsError as problem:
        return _failed(problem, WRONG_SETTINGS)
    logs.configure(settings.log_level)
    code, words = take(raw, settings)
    if code != OK:
        typer.secho(f"headwater: {words}", fg="red", err=True)
    return code


def take(raw: bytes, settings: Settings) -> tuple[int, str]:
    """Take the mail in; return the exit code and what became of it, or why nothing did.

    The code is `OK` only after the COMMIT.
    """
    try:
        mail = inbound.read(raw, settings.mail_from)
        with connect(settings.database_url, "notify") as conn:
            webhooks = [settings.webhook_url] if settings.webhook_url else []
            desk = Desk(webhooks, utility(conn).zone)
            now = SystemClock().now()
            taken = inbox.take(conn, mail, at=now, desk=desk)
            said = bounces.take(conn, message_from_bytes(raw), at=now) if mail.kind == "bounce" else None
    except BadDataError as problem:
        return BAD_DATA, str(problem)
    except SettingsError as problem:
        return WRONG_SETTINGS, str(problem)
    except HeadwaterError as problem:
        return TRY_AGAIN, str(problem)
    except Exception as problem:  # the mail server keeps the mail until we can take it
        log.exception("the mail could not be taken in")
        return TRY_AGAIN, str(problem)
    told = {"outcome": taken.outcome, "ticket_id": taken.ticket_id, "message_id": mail.message_id}
    log.info("mail", **told, report=said)
    return OK, f"{taken.outcome} {taken.ticket_id or ''}".strip()


def _failed(problem: Exception, code: int) -> int:
    typer.secho(f"headwater: {problem}", fg="red", err=True)
    return code
