"""`headwater report`, and the jobs that make the figures and mail the report."""

import io
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from pypdf import PdfReader
from typer.testing import CliRunner

from core.settings import load
from jobs.cli import app
from jobs.job import Run
from jobs.report import mail_report, make_figures
from sql.pool import Connection
from tests import factories
from tests.service.month import AT, OCTOBER, build


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--language", "zh"], "全公司"),
        (["--language", "en", "--region", "north"], "Region: 江北片区"),
        (["--manager", "li"], "客户经理：李薇"),
    ],
)
def test_the_command_makes_figures_and_report(
    conn: Connection,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    says: str,
) -> None:
    build(conn)
    monkeypatch.setenv("HEADWATER_DATABASE_URL", database_url)
    out = tmp_path / "report.pdf"
    ran = CliRunner().invoke(app, ["report", "--month", "2026-10", "--out", str(out), *options])
    assert ran.exit_code == 0, ran.output
    assert says in PdfReader(io.BytesIO(out.read_bytes())).pages[0].extract_text()
    made = conn.execute("select opened from figure_month where month = %s and key = ''", [OCTOBER]).fetchall()
    assert made == [(7,)]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--month", "2026-13"], "2026-10"),
        (["--region", "north", "--manager", "li"], "one of the two"),
        (["--region", "nowhere"], "nowhere"),
    ],
)
def test_what_can_not_be_made_says_why(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], says: str
) -> None:
    monkeypatch.setenv("HEADWATER_DATABASE_URL", database_url)
    ran = CliRunner().invoke(app, ["report", "--out", str(tmp_path / "r.pdf"), *options])
    assert says in str(ran.exception)


def test_the_jobs_make_the_months_and_mail_the_one_that_ended(conn: Connection) -> None:
    build(conn)
    ((staff_id,),) = conn.execute("select id from staff where login = 'li'").fetchall()
    given = {"staff_id": staff_id, "scope": "utility", "created_by": "t", "created_at": AT}
    factories.insert(conn, "report_subscription", **given)
    due = datetime(2026, 11, 1, 23, 30, tzinfo=UTC)  # the second of the month in Shanghai
    assert "2026-10 15, 2026-11" in make_figures(Run(conn, load(), due, due))
    months = conn.execute("select month from figure_month where key = '' order by 1").fetchall()
    assert months == [(date(2026, month, 1),) for month in (8, 9, 10, 11)]
    assert mail_report(Run(conn, load(), due, due)) == "2026-10: 1 messages"
    assert mail_report(Run(conn, load(), due, due)) == "2026-10: 0 messages"
