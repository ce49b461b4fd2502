"""Make the figures of the months, mail the report of the last one, and make one by hand."""

from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from core.errors import BadDataError

if TYPE_CHECKING:
    from jobs.job import Run
    from notify.report.pdf import Printer
    from service.report import Report


def make_figures(run: "Run") -> str:
    """Make the months that are due, a transaction each."""
    from service import figures
    from service.utility import utility

    zone = utility(run.conn).zone
    told = []
    for month in figures.wanted(run.conn, zone, at=run.now):
        with run.conn.transaction():
            told.append(f"{month:%Y-%m} {figures.make(run.conn, month, zone, at=run.now)}")
    return f"keys made: {', '.join(told)}"


def mail_report(run: "Run") -> str:
    """Put the report of the month that ended last on its way to its subscribers."""
    from service import report
    from service.utility import utility
    from service.volumes import first_of, step

    month = step(first_of(run.due, utility(run.conn).zone), -1)
    return f"{month:%Y-%m}: {report.send(run.conn, month, at=run.now)} messages"


def report(
    out: Annotated[Path, typer.Option(help="Where the PDF goes.")] = Path("report.pdf"),
    month: Annotated[str, typer.Option(help="Like 2026-10; without it the month that ended last.")] = "",
    language: Annotated[Literal["zh", "en"], typer.Option(help="Of the report.")] = "zh",
    region: Annotated[str, typer.Option(help="Only this region, by code.")] = "",
    manager: Annotated[str, typer.Option(help="Only this manager, by login.")] = "",
) -> None:
    """Make the monthly report as PDF, with the figures as they stand now."""
    from core.clock import SystemClock
    from core.settings import load
    from jobs.where import located
    from service import figures
    from service import report as rules
    from service.utility import utility
    from service.volumes import first_of, step
    from sql.pool import connect

    if region and manager:
        raise BadDataError("A report is about a region or about a manager.", cure="Give one of the two.")
    settings, now = located(load()), SystemClock().now()
    with connect(settings.database_url, "owner") as conn:
        zone = utility(conn).zone
        wanted = _month(month) if month else step(first_of(now, zone), -1)
        for one in sorted({*figures.wanted(conn, zone, at=now), wanted}):
            figures.make(conn, one, zone, at=now)
        about = rules.scope(
            conn, "region" if region else "manager" if manager else "utility", region or manager
        )
        gathered = rules.load(conn, wanted, about, at=now)
    out.write_bytes(LivePress(settings.cjk_font).pdf(gathered, language))
    typer.echo(f"{out}: {wanted:%Y-%m}, {out.stat().st_size / 1000:.0f} kB")


class LivePress:
    """Prints reports: `service.report.Press`. What it needs is loaded with the first one."""

    def __init__(self, cjk_font: str) -> None:
        self._font = cjk_font

    def pdf(self, report: "Report", language: str) -> bytes:
        """Return the PDF."""
        return self._printer.pdf(report, language)

    @cached_property
    def _printer(self) -> "Printer":
        from notify.report.pdf import Printer

        return Printer(font(self._font))


def font(given: str) -> Path | None:
    """Return the font with Chinese: the one of the settings, else the unpacked one of the private servers."""
    from jobs.stack import font_path

    return Path(given) if given else font_path()


def _month(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m").date()  # noqa: DTZ007 - a month has no zone
    except ValueError:
        raise BadDataError(f"{text!r} is no month.", cure="Write it like 2026-10.") from None
