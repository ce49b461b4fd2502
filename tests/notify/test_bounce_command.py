"""A mail server pipes a report into the command, as into any delivery program: the exit code is for it."""

import os
import subprocess
import sys
from pathlib import Path

from sql.pool import Connection
from tests.service.test_bounces import POSTFIX, message_id, notice

__all__ = ["notice"]


def piped(url: str, mail: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "jobs.cli", "bounce"],
        input=mail,
        env=os.environ | {"HEADWATER_DATABASE_URL": url, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_report_is_taken_from_standard_input(conn: Connection, database_url: str, notice: int) -> None:
    named = message_id(conn, notice)
    mail = POSTFIX.format(message_id=named, recipient="customer@example.org", action="failed", status="5.1.1")
    done = piped(database_url, mail)
    assert (done.returncode, done.stdout) == (0, f"message {notice}: bounced\n")
    assert conn.execute("select state from outbox").fetchall() == [("bounced",)]


def test_what_the_mail_server_is_to_do_stands_in_the_exit_code(database_url: str) -> None:
    assert piped(database_url, "").returncode == os.EX_DATAERR
    away = "postgresql://headwater@127.0.0.1:1/nowhere"
    assert piped(away, "From: a@b\n\nhello").returncode == os.EX_TEMPFAIL
