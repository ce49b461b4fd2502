"""`headwater forecast` on a folder."""

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from core.errors import BadDataError
from jobs.cli import app
from tests.town.folders import folder

T0 = datetime(2026, 1, 5, tzinfo=UTC)
DAYS = 30
METERS = (
    "meter,kind,customer,dma,interval_s\n"
    "m1,customer,c1,d1,3600\nm2,customer,c2,d1,1800\nin1,dma_inlet,,d1,3600\nnew,customer,,d1,3600\n"
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A factory, a home read every half hour, an inlet, and a meter of a few days."""
    lines = ["meter,ts,register_l,flow_lph"]
    for n in range(DAYS * 24 + 48):
        busy = 500 if 6 <= n % 24 < 22 else 50
        ends = T0 + timedelta(hours=n + 1)
        lines.append(f"m1,{ends.isoformat()},,{busy}")
        lines += [f"m2,{(ends - timedelta(minutes=m)).isoformat()},,{busy / 10}" for m in (30, 0)]
        lines.append(f"in1,{ends.isoformat()},,{busy * 2}")
        if n > (DAYS - 5) * 24:
            lines.append(f"new,{ends.isoformat()},,9")
    return folder(tmp_path_factory.mktemp("town"), meters=METERS, readings="\n".join(lines) + "\n")


def test_command_writes_hours_of_customers_and_districts(place: Path, tmp_path: Path) -> None:
    out = tmp_path / "forecast.csv"
    at = (T0 + timedelta(days=DAYS)).isoformat().replace("+00:00", "Z")
    done = CliRunner().invoke(app, ["forecast", str(place), "--at", at, "--hours", "24", "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert "1 of which less than two weeks are known" in done.output
    with out.open() as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["subject_kind", "subject", "slot", "volume_l", "low_l", "high_l"]
    by = {(r["subject_kind"], r["subject"]): [q for q in rows if q["subject"] == r["subject"]] for r in rows}
    assert by.keys() == {("meter", "m1"), ("meter", "m2"), ("dma", "d1")}
    day = [500.0 if 6 <= h < 22 else 50.0 for h in range(24)]
    for (_, subject), mine in by.items():
        assert mine[0]["slot"] == at and len(mine) == 24
        times = {"m1": 1, "m2": 0.1, "d1": 2}[subject]
        np.testing.assert_allclose([float(r["volume_l"]) for r in mine], [v * times for v in day], rtol=0.01)


@pytest.mark.parametrize("at", ["2026-02-01T00:30:00Z", "soon"])
def test_only_a_whole_hour_is_taken(place: Path, tmp_path: Path, at: str) -> None:
    done = CliRunner().invoke(app, ["forecast", str(place), "--at", at, "--out", str(tmp_path / "f.csv")])
    assert isinstance(done.exception, BadDataError)
