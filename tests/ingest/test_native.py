"""The native codec against its slow reference, and what no golden file can hold."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.words import Flag, Reason
from ingest import timestamps
from ingest.intake import Intake
from tests.ingest.decoding import NOW, Known, decode, gather, readings
from tests.ingest.reference import VALUES, decode_list, instant

TIMES = st.one_of(
    st.integers(-200, 3).map(lambda h: (NOW + timedelta(hours=h)).strftime("%Y-%m-%dT%H:%M:%SZ")),
    st.integers(-200, 0).map(lambda h: (NOW + timedelta(hours=h)).strftime("%Y-%m-%dT%H:%M:%S.5+08:00")),
    st.sampled_from(
        ["yesterday", "infinity", "now", "2026-11-21", "2026-02-30T00:00:00Z", "1970-01-01T00:00:00Z"]
    ),
)
# Values that float4 holds exactly: the store's precision is no matter of the codec.
NUMBERS = st.one_of(
    st.none(),
    st.integers(-5, 500),
    st.integers(0, 4000).map(lambda x: x / 8),
    st.sampled_from([float("nan"), float("inf"), -float("inf"), 1e14]),
    st.sampled_from([True, "12", [1], {}]),
)
FLAGS = st.one_of(
    st.none(), st.lists(st.sampled_from([*(f.name.lower() for f in Flag if f.name), "leek"]), max_size=3)
)
READING = st.fixed_dictionaries(
    {"ts": TIMES},
    optional=dict.fromkeys(VALUES, NUMBERS)
    | {"flags": FLAGS, "meter": st.sampled_from(["m1", "m2"]), "rssi": st.just(-90)},
)
ITEMS: st.SearchStrategy[Any] = st.one_of(READING, READING, READING, st.sampled_from([None, 1, "x", [], {}]))


def refused(intake: Intake, n: int) -> list[tuple[str, int]]:
    counts: dict[str, int] = {}
    for refusal in intake.refusals():
        assert refusal.reason.value not in counts
        counts[refusal.reason.value] = refusal.n or n
    return sorted(counts.items())


@given(st.lists(ITEMS, min_size=1, max_size=12))
def test_list_is_decoded_as_by_the_reference(items: list[Any]) -> None:
    payload = json.dumps(items).encode()
    intake = decode(payload)
    found = {
        instant(row.pop("ts")): {"flags": sorted(row.pop("flags", []))} | row for row in readings(intake)
    }
    good, others = decode_list(payload)
    assert found == good
    assert refused(intake, len(items)) == others


@given(st.lists(READING, min_size=1, max_size=6))
def test_excerpt_decodes_to_what_was_refused(items: list[Any]) -> None:
    gathering = gather(("meters/m1/readings", json.dumps(items).encode()))
    for refusal in gathering.finish(Known("m1")).refusals():
        if refusal.reason is Reason.CONFLICTING_DUPLICATE:
            continue
        again = decode(gathering.excerpt(refusal))
        assert {r.reason for r in again.refusals()} == {refusal.reason}
        assert not len(again.batch)


@given(
    st.lists(st.one_of(st.none(), st.integers(0, 10**9).map(lambda x: x / 8)), min_size=1, max_size=200),
    st.integers(1, 3600),
)
def test_series_is_the_list_of_its_slots(column: list[float | None], step_s: int) -> None:
    start = NOW - timedelta(days=20)
    series = {"start": start.strftime("%Y-%m-%dT%H:%M:%SZ"), "step_s": step_s, "register_l": column}
    rows = [
        {"ts": timestamps.text(int((start.timestamp() + i * step_s) * 1e6)), "register_l": value}
        for i, value in enumerate(column)
        if value is not None
    ]
    assert readings(decode(json.dumps(series).encode())) == rows


@pytest.mark.parametrize("payload", [b"[" * 100_000, b"[" * 500 + b"]" * 500, b'{"a":' * 100_000 + b"1"])
def test_deep_nesting_is_malformed(payload: bytes) -> None:
    assert [r.reason for r in decode(payload).refusals()] == [Reason.MALFORMED]


def test_payload_that_is_too_long_is_not_decoded() -> None:
    intake = decode(b" " * 2_000, max_payload_bytes=1_999)
    assert [(r.reason, r.positions) for r in intake.refusals()] == [(Reason.MALFORMED, None)]
    assert "HEADWATER_INGEST_MAX_PAYLOAD_BYTES" in intake.refusals()[0].detail


@given(st.binary(max_size=60))
def test_any_bytes_are_taken_or_refused(payload: bytes) -> None:
    intake = decode(payload)
    assert len(intake.batch) or intake.refusals()


def test_every_reason_is_told_with_a_cure() -> None:
    """Each detail is a sentence of what is wrong and one of what to do."""
    for payload in (
        b"",
        b"{}",
        b"[]",
        b'{"ts":"yesterday","flow_lph":1}',
        b'{"ts":"2999-01-01T00:00:00Z","flow_lph":1}',
    ):
        for refusal in decode(payload).refusals():
            assert refusal.detail.count(". ") >= 1, refusal.detail
