"""Lists by time, district, segment and detector: each filter keeps what fits, and leaves out what doesn't."""

import pytest
from starlette.testclient import TestClient


@pytest.mark.parametrize(
    ("path", "fits", "misses"),
    [
        # What the town has was detected and opened six hours before NOW, 2026-11-21T09:00Z.
        ("events", "until=2026-11-21T03:00:01Z", "until=2026-11-21T03:00:00Z"),
        ("events", "segment=general", "segment=large"),
        ("tickets", "until=2026-11-21T03:00:01Z", "until=2026-11-21T03:00:00Z"),
        ("tickets", "detector=continuous_flow", "detector=burst"),
        ("tickets", "sort=time_left&detector=continuous_flow", "sort=time_left&detector=burst"),
        ("messages", "until=2199-01-01", "until=2000-01-01"),
        ("messages", "dma=D1", "dma=D2"),
        ("visits", "dma=D1&segment=general", "dma=D2"),
        ("visits", "segment=general", "segment=large"),
    ],
)
def test_a_filter_keeps_what_fits_and_nothing_else(
    standing: TestClient, path: str, fits: str, misses: str
) -> None:
    assert standing.get(f"/v1/{path}?{fits}").json()["items"]
    assert standing.get(f"/v1/{path}?{misses}").json()["items"] == []


def test_outages_are_found_by_when_they_begin(all_seeing: TestClient) -> None:
    draft = {"dmas": ["D1"], "starts_at": "2026-12-01", "expected_end": "2026-12-02"}
    assert all_seeing.post("/v1/outages", json=draft).is_success
    found = {
        query: len(all_seeing.get(f"/v1/outages?{query}").json()["items"])
        for query in ("since=2026-12-01&until=2026-12-02", "until=2026-12-01", "since=2026-12-02")
    }
    assert list(found.values()) == [1, 0, 0]
