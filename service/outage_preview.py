"""An outage before it is announced: whom it concerns, whom to call, and the very words they will read."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.words import for_readers
from service import outage_notices
from service.letters import Letters, Written
from service.outage import Outage, lock
from service.outage_facts import OutageFacts, outage_document, reason_in
from service.outages import AHEAD
from sql.pool import Connection
from sql.query import Queries

Q = Queries("outages")
LANGUAGES = ("zh", "en")
SALUTATION = {"zh": "用户", "en": "customer"}
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Overlap:
    """Another outage that some of the same customers are told of."""

    id: int
    code: str
    state: str
    starts_at: datetime
    expected_end: datetime
    customers: int


@dataclass(frozen=True)
class Preview:
    """What announcing would do; `warnings` is what an operator should look at first."""

    step: str
    customers: int
    segments: dict[str, int]
    languages: dict[str, int]
    channels: dict[str, int]
    unreachable: int
    overlapping: Sequence[Overlap]
    warnings: Sequence[str]
    letters: dict[str, Written]


def preview(
    conn: Connection, outage_id: int, letters: Letters, *, at: datetime, ahead: timedelta = AHEAD
) -> Preview:
    """Return what announcing the outage would do now; nothing is written."""
    outage = lock(conn, outage_id)
    segments: Counter[str] = Counter()
    languages: Counter[str] = Counter()
    channels: Counter[str] = Counter()
    for segment, language, channel, count in conn.execute(Q["concerned"], {"id": outage_id}):
        segments[segment] += count
        languages[language] += count
        channels[channel or ""] += count
    unreachable = channels.pop("", 0)
    facts = outage_notices.facts(conn, outage)
    step = "started" if outage.started_at or outage.starts_at <= at else "announced"
    message = {"said": outage_document(facts), "account_no": "", "told": False, "spared": False}
    return Preview(
        step=step,
        customers=segments.total(),
        segments=dict(segments),
        languages=dict(languages),
        channels=dict(channels),
        unreachable=unreachable,
        overlapping=_overlapping(conn, outage),
        warnings=_warnings(outage, facts, languages, at, ahead),
        letters={
            language: letters.write(
                conn, "outage", step, language, message | {"name": SALUTATION[language]}, at
            )
            for language in LANGUAGES
        },
    )


def _overlapping(conn: Connection, outage: Outage) -> list[Overlap]:
    span = {"id": outage.id, "since": outage.starts_at, "until": outage.expected_end}
    others = [row[0] for row in conn.execute(Q["live_between"], span)]
    if not others:
        return []
    return [Overlap(*row) for row in conn.execute(Q["overlapping"], {"id": outage.id, "others": others})]


def _warnings(
    outage: Outage, facts: OutageFacts, languages: Counter[str], at: datetime, ahead: timedelta
) -> list[str]:
    left = outage.starts_at - at
    found = [
        (not languages, for_readers("Nobody lives in the area.")),
        (
            bool(outage.unread),
            for_readers(f"{len(outage.unread)} lines of the list name nobody we know: see unread."),
        ),
        (outage.expected_end <= at, for_readers("The expected end has passed.")),
        (
            outage.kind == "planned" and outage.announced_at is None and left < ahead,
            for_readers(
                f"Planned work is announced {ahead / _HOUR:g} h ahead; this begins in {left / _HOUR:.1f} h."
            ),
        ),
        (not outage.contact, for_readers("There is no telephone number to ask at: give contact.")),
        (not outage.supply, for_readers("There is no emergency supply.")),
        (
            not outage.end_known,
            for_readers("Nobody is told when the water will be back, only when there will be news."),
        ),
    ]
    for language in LANGUAGES:
        untranslated = bool(outage.reason.strip()) and reason_in(facts, language) != outage.reason.strip()
        missing = untranslated and not outage.reason_in.get(language)
        readers = languages[language]
        text = for_readers(f"{readers} customers read the reason in {language}: give reason_in.{language}.")
        found.append((missing and languages[language] > 0, text))
    return [text for is_so, text in found if is_so]
