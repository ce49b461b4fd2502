"""What came of it: figures from the demo's database, as a table and as JSON."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from jobs.demo.score import Raised, Score
from sql.pool import Connection
from sql.query import Queries

Q = Queries("demo")


@dataclass(frozen=True)
class Figures:
    """The closing table."""

    readings_sent: int
    readings_stored: int
    quarantined: dict[str, int]
    events: int
    retracted: int
    score: Score
    tickets: int
    urgent_tickets: int
    messages_sent: int
    messages_pending: int
    messages_waiting: int
    messages_dead: int
    mails: int
    mailbox: str
    reports: list[str]
    seconds: dict[str, float]

    def problems(self) -> list[str]:
        """Return what shows that the line did not work; empty when it did."""
        checks = {
            "no reading was stored": self.readings_stored > 0,
            "no event was raised": self.events > 0,
            "no ticket was opened": self.tickets > 0,
            "no mail arrived": self.mails > 0,
            "messages are left in the outbox": self.messages_pending == 0,
        }
        return [what for what, well in checks.items() if not well]

    def as_json(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return asdict(self) | {
            "false_per_1000_meter_days": round(self.score.false_per_1000_meter_days, 3),
            "seconds_total": round(sum(self.seconds.values()), 1),
        }

    def write(self, file: Path) -> None:
        """Write the figures as JSON."""
        file.write_text(json.dumps(self.as_json(), ensure_ascii=False, indent=1) + "\n", "utf-8")


def events(conn: Connection) -> list[Raised]:
    """Return the events that stand."""
    rows = conn.execute(Q["events"]).fetchall()
    return [
        Raised(subject, grp, frozenset(by), detected, onset) for subject, grp, by, detected, onset in rows
    ]


def service(conn: Connection) -> dict[str, Any]:
    """Return counts of tickets, messages, retracted events and quarantine by reason."""
    names: tuple[str, ...] = ("tickets", "urgent_tickets", "messages_sent", "messages_pending")
    names += ("messages_waiting", "messages_dead", "retracted")
    *counts, quarantined = conn.execute(Q["service"]).fetchall()[0]
    return dict(zip(names, counts, strict=True)) | {"quarantined": quarantined}


def show(figures: Figures, console: Console) -> None:
    """Print the closing table."""
    score = figures.score
    table = Table(title="Headwater demo", title_justify="left", header_style="bold")
    for column in ("detector", "events", "labelled faults", "found", "false alarms"):
        table.add_column(column, justify="left" if column == "detector" else "right")
    for name, line in sorted(score.lines.items()):
        table.add_row(name, str(line.events), str(line.faults), str(line.found), str(line.false))
    table.add_section()
    table.add_row("all", str(figures.events), str(score.faults), str(score.found), str(score.false))
    console.print(table)
    quarantined = ", ".join(f"{n:,} {reason}" for reason, n in figures.quarantined.items())
    facts = Table(show_header=False, box=None)
    facts.add_row("false alarms", f"{score.false_per_1000_meter_days:.2f} per 1,000 meter-days")
    facts.add_row("readings sent", f"{figures.readings_sent:,}, some of them twice, as meters do")
    facts.add_row("readings stored", f"{figures.readings_stored:,}")
    facts.add_row("quarantined", quarantined or "none")
    if figures.retracted:
        facts.add_row("events retracted", f"{figures.retracted} by readings that came late")
    if score.unlabelled:
        facts.add_row("events without a label", f"{score.unlabelled} in the real districts, not scored")
    facts.add_row("tickets", f"{figures.tickets}, {figures.urgent_tickets} of them urgent")
    facts.add_row("messages sent", f"{figures.messages_sent}, {figures.mails} mails in {figures.mailbox}")
    if figures.messages_waiting:
        facts.add_row(
            "messages waiting", f"{figures.messages_waiting} to be told with what follows, or by day"
        )
    facts.add_row("report of the month", ", ".join(figures.reports))
    if figures.messages_dead:
        facts.add_row("undeliverable", f"{figures.messages_dead}")
    parts = ", ".join(f"{name} {s:.0f}" for name, s in figures.seconds.items())
    facts.add_row("seconds", f"{sum(figures.seconds.values()):.0f} ({parts})")
    console.print(facts)
