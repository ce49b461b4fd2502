"""Instants: all together as one by one, and nothing that isn't one."""

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.timestamps import NOT_A_TIME, parse, parse_one, text

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def us(at: datetime) -> int:
    return (at - EPOCH) // timedelta(microseconds=1)


@given(st.lists(st.datetimes().map(lambda d: d.replace(microsecond=0)), max_size=30))
def test_common_form_is_what_the_calendar_says(times: list[datetime]) -> None:
    texts = [f"{d.isoformat()}Z" for d in times]
    assert parse(texts).tolist() == [us(d.replace(tzinfo=UTC)) for d in times]


@given(
    st.lists(
        st.one_of(
            st.text("0123456789-:TZ+. ", max_size=24), st.datetimes().map(lambda d: f"{d.isoformat()[:19]}Z")
        )
    )
)
def test_all_together_is_as_one_by_one(texts: list[str]) -> None:
    assert parse(texts).tolist() == [parse_one(t) for t in texts]


@given(st.datetimes(timezones=st.integers(-840, 840).map(lambda m: timezone(timedelta(minutes=m)))))
def test_offsets_and_fractions_are_taken(at: datetime) -> None:
    try:
        expected = us(at)
    except OverflowError:
        return
    assert parse_one(at.isoformat()) == expected


@pytest.mark.parametrize(
    "bad",
    [
        "yesterday", "today", "now", "epoch", "infinity", "-infinity", "", "2026-11-21", "20:00:00Z",
        "2026-11-21T20:00:00", "2026-11-21 20:00:00Z", "2026-11-21T20:00Z", "2026-11-21T20:00:60Z",
        "2026-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-00-10T00:00:00Z", "2026-13-10T00:00:00Z",
        "2026-11-00T00:00:00Z", "2026-11-21T24:00:00Z", "2026-11-21T20:60:00Z", "0000-01-01T00:00:00Z",
        "２０２６-11-21T20:00:00Z", "2026-11-21T20:00:00z", "2026-11-21T20:00:00Z ", "+026-11-21T20:00:00Z",
        "2026-11-21T20:00:00+0800", "2026-11-21T20:00:00+08", "20261121T200000Z", "2026-W47-6T20:00:00Z",
    ],
)  # fmt: skip
def test_what_is_no_instant_is_refused(bad: str) -> None:
    assert parse([bad, "2026-11-21T20:00:00Z"])[0] == NOT_A_TIME
    assert parse([bad])[0] == NOT_A_TIME


def test_text_is_read_back() -> None:
    instants = np.array([0, 1, -1, 1_500_000, us(datetime(2026, 11, 21, tzinfo=UTC))])
    assert parse([text(int(t)) for t in instants]).tolist() == instants.tolist()
