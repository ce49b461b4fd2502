"""Payloads to readings without broker and store, for tests of codecs and checks."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from core.words import Flag
from ingest import timestamps
from ingest.draft import VALUES
from ingest.intake import Gathering, Intake, Message, Rules
from ingest.routes import Routes

NOW = datetime(2026, 11, 21, 21, 0, tzinfo=UTC)
NOW_US = int(NOW.timestamp() * 1e6)


class Known:
    """A registry that knows the given serials; ids from 1."""

    def __init__(self, *serials: str) -> None:
        self._serials = serials

    def ids(self, serials: Sequence[str]) -> Any:
        return np.array([self._serials.index(s) + 1 if s in self._serials else -1 for s in serials], np.int32)


def gather(
    *messages: tuple[str, bytes], topics: dict[str, str] | None = None, max_payload_bytes: int = 1_048_576
) -> Gathering:
    rules = Rules(Routes(topics or {"meters/+/readings": "native"}), max_payload_bytes, 1_100)
    gathering = Gathering(rules)
    for topic, payload in messages:
        gathering.add(Message(topic, payload, NOW_US))
    return gathering


def decode(*payloads: bytes, **options: Any) -> Intake:
    """Return what comes of payloads of the meter `m1`."""
    return gather(*(("meters/m1/readings", p) for p in payloads), **options).finish(Known("m1"))


def readings(intake: Intake) -> list[dict[str, Any]]:
    """Return the readings as dicts without what is missing."""
    found = []
    for i in range(len(intake.batch)):
        row: dict[str, Any] = {"ts": timestamps.text(int(intake.batch.ts[i]))}
        row |= {
            name: float(getattr(intake.batch, name)[i])
            for name in VALUES
            if not np.isnan(getattr(intake.batch, name)[i])
        }
        flags = [flag.name.lower() for flag in Flag if flag.name and intake.batch.flags[i] & flag]
        found.append(row | ({"flags": flags} if flags else {}))
    return found
