"""What is periodic about customers and staff: use by month, segments, absences, contact checks."""

from jobs.job import Run
from service import contact_checks, segments, staff, volumes
from service import usage_days as usage_days_of
from service.utility import utility


def customer_months(run: Run) -> str:
    """Make the months that are due, a transaction each; an interrupted run is gone on with by the next."""
    zone = utility(run.conn).zone
    told = []
    for month in volumes.wanted(run.conn, zone, run.now):
        with run.conn.transaction():
            told.append(f"{month:%Y-%m} {volumes.make(run.conn, month, zone, run.now)}")
    for month, accounts in volumes.late(run.conn, zone, run.now):
        with run.conn.transaction():
            count = volumes.make_of(run.conn, month, zone, run.now, accounts)
            told.append(f"{month:%Y-%m} {count} of {len(accounts)} late")
    return f"rows new or changed: {', '.join(told)}"


def usage_days(run: Run) -> str:
    """Sum the days that are over, and again those of which hours have come or changed, in steps."""
    zone = utility(run.conn).zone
    made = summed = 0
    for since, until in usage_days_of.wanted(run.conn, zone, run.now):
        with run.conn.transaction():
            made += usage_days_of.make(run.conn, zone, since, until)
    step = usage_days_of.MARKED
    while step == usage_days_of.MARKED:
        with run.conn.transaction():
            step = usage_days_of.sum_marked(run.conn, zone)
        summed += step
    return f"days of meters: {made} summed, {summed} again"


def segment_customers(run: Run) -> str:
    """Propose the month's segments and apply them; who changed and why is on record."""
    segments.propose(run.conn, at=run.now)
    made = segments.apply(run.conn, by="job", at=run.now)
    moves = ", ".join(f"{move.was} → {move.becomes} {move.customers}" for move in made.moved)
    more = f": {moves}" if moves else ""
    return f"{made.customers} customers changed{more}"


def cover_absences(run: Run) -> str:
    """Hand the urgent tickets of whose absence has begun to who stands in."""
    done = staff.cover(run.conn, at=run.now)
    return (
        f"{len(done)} absences began, {sum(len(handed.ticket_ids) for _, handed in done)} tickets handed over"
    )


def doubt_contacts(run: Run) -> str:
    """Have contact data verified that are old, or of a place whose use has changed for good."""
    changed = contact_checks.from_events(run.conn, at=run.now)
    settings = run.settings
    aged = contact_checks.from_age(
        run.conn,
        at=run.now,
        zone=utility(run.conn).zone,
        months=settings.contact_months,
        each=settings.contact_checks_a_day,
    )
    return f"checks opened: {changed} after events, {aged} of old data"
