"""docs/topics.md and docs/reliability.md say what is so."""

import json
import re
from pathlib import Path

import msgspec
import pytest

from core.words import Flag, Reason
from ingest.draft import VALUES
from ingest.limits import LIMITS
from ingest.receipts import Receipt, Request
from tests.ingest.decoding import decode

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/topics.md").read_text("utf-8")
BLOCKS = re.findall(r"```json\n(.*?)\n```", PAGE, re.DOTALL)
READINGS = [block for block in BLOCKS if "register_l" in block or "flow_lph" in block]
ROWS = re.findall(r"^\| `(\w+)` \|.*\| (?:`(.+)`)? ?\|$", PAGE.split("## Quarantine")[1], re.MULTILINE)


@pytest.mark.parametrize("payload", READINGS)
def test_example_is_stored(payload: str) -> None:
    intake = decode(payload.encode())
    assert len(intake.batch)
    assert not intake.refusals()


def test_receipt_and_request_look_as_told() -> None:
    receipt, request = (block for block in BLOCKS if block not in READINGS)
    for block, kind in ((receipt, Receipt), (request, Request)):
        body = msgspec.json.decode(block, type=kind)
        assert json.loads(msgspec.json.encode(body)) == json.loads(block)


def test_every_reason_is_told_and_the_examples_are_refused_for_it() -> None:
    assert [reason for reason, _ in ROWS] == [reason.value for reason in Reason]
    for reason, payload in ROWS:
        if payload:
            assert [r.reason.value for r in decode(payload.encode()).refusals()] == [reason], payload


def test_every_field_with_its_bounds_and_every_flag_is_told() -> None:
    for name in VALUES:
        limit = LIMITS[name]
        (row,) = re.findall(rf"^\| `{name}` \| (.+?) \| (.+?) to (.+?) \|", PAGE, re.MULTILINE)
        assert (row[0], float(row[1].replace(",", "")), float(row[2].replace(",", ""))) == (
            limit.unit,
            limit.low,
            limit.high,
        )
    (row,) = re.findall(r"^\| `flags` \| \| (.+?) \|", PAGE, re.MULTILINE)
    assert re.findall(r"`(\w+)`", row) == [flag.name.lower() for flag in Flag if flag.name]


def test_tests_that_reliability_names_are_there() -> None:
    named = re.findall(r"`(test_\w+)`", (ROOT / "docs/reliability.md").read_text("utf-8"))
    source = "".join(p.read_text("utf-8") for p in (ROOT / "tests/ingest").glob("test_*.py"))
    assert named
    assert [name for name in named if f"def {name}(" not in source] == []
