"""Every convention's cases: tests/data/<convention>/<case>/{input, topic?, expected.json}.

`input` is the payload as it came, `topic` where it came if not at `meters/m1/readings`, `expected.json` the
readings (sorted by time) and what was refused. The meter is m1, received 2026-11-21T21:00:00Z.
"""

import json
from pathlib import Path

import pytest

from ingest.codecs import CODECS
from tests.ingest.decoding import Known, gather, readings

DATA = Path(__file__).parents[1] / "data"
CASES = sorted(p for convention in CODECS for p in (DATA / convention).iterdir())
TOPICS = {"native": "meters/+/readings"}


@pytest.mark.parametrize("case", CASES, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_payload_gives_what_is_expected(case: Path) -> None:
    topic_file = case / "topic"
    topic = topic_file.read_text().strip() if topic_file.exists() else "meters/m1/readings"
    convention = case.parent.name
    gathering = gather((topic, (case / "input").read_bytes()), topics={TOPICS[convention]: convention})
    intake = gathering.finish(Known("m1"))
    refused = [
        {
            "reason": refusal.reason.value,
            "detail": refusal.detail,
            "payload": gathering.excerpt(refusal).decode("utf-8", "backslashreplace"),
        }
        for refusal in intake.refusals()
    ]
    expected = json.loads((case / "expected.json").read_text("utf-8"))
    assert {"readings": readings(intake), "refused": refused} == expected


def test_every_codec_has_cases() -> None:
    assert {case.parent.name for case in CASES} == set(CODECS)
