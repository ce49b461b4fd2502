"""A mail server pipes a report into `headwater mail-in`, as it does with every mail to us."""

import os
import subprocess
import sys
from pathlib import Path

from sql.pool import Connection
from tests.service.test_bounces import POSTFIX, message_id, notice

__all__ = ["notice"]


def piped(url: str, mail: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "jobs.cli", "mail-in"],
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
    assert done.returncode == 0, done.stderr
    assert conn.execute("select state from outbox").fetchall() == [("bounced",)]
