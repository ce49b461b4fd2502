"""Charts of the evidence: no boxes for Chinese, small, and drawn from what the store holds."""

import os
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from matplotlib.font_manager import FontPath
from matplotlib.ft2font import FT2Font
from PIL import Image

from core.errors import SettingsError
from jobs.stack import font_path
from notify import chart, fonts, series
from notify.chart import Charts
from notify.series import Line, Series
from service.facts import facts
from sql.pool import Connection
from tests import factories, samples
from tests.notify.making import document
from tests.samples import NOW, ONSET

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture(scope="session")
def font() -> Path:
    """A font with Chinese: of the stack, of the settings, or of the machine."""
    given = os.environ.get("HEADWATER_CJK_FONT")
    file = font_path() or (Path(given) if given else None)
    face = fonts.chinese(file)
    if face is None:
        pytest.skip("no font with Chinese on this machine: install fonts-noto-cjk")
    return Path(face.path)


def hours(kind: str = "usage", peak: float = 90.0) -> Series:
    at = NOW.timestamp() - 3600.0 * np.arange(240, 0, -1)
    value = peak * (0.3 + 0.7 * (np.arange(240) % 24 > 6))
    return Series(kind, [Line("M-1", at, value)], 38.0, ONSET, NOW, False)  # type: ignore[arg-type]


def opened(png: bytes) -> Image.Image:
    picture = Image.open(BytesIO(png))
    picture.load()
    return picture


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("kind", ["usage", "flow", "pressure"])
def test_a_chart_is_a_small_png_in_either_language(font: Path, kind: str, language: str) -> None:
    png = Charts(font).png(hours(kind), title="张伟", language=language, zone=SHANGHAI)
    assert opened(png).size == (900, 362)
    assert len(png) < 60_000
    colours = opened(png).convert("RGB").getcolors(1 << 20)
    assert colours is not None
    assert len(colours) > 50  # something is drawn


def test_the_chosen_face_is_simplified_chinese_and_has_every_glyph_that_is_drawn(font: Path) -> None:
    face = fonts.chinese(font)
    assert face is not None
    drawn = "".join(str(word) for words in chart._WORDS.values() for word in vars(words).values())
    assert fonts.covers(face, drawn + "0123456789月日·()张伟滨江区D-")
    if font.name.startswith("NotoSansCJK"):
        assert FT2Font(face.path, face_index=face.face_index).family_name == "Noto Sans CJK SC"


def test_without_a_chinese_font_the_labels_are_english_and_there_are_no_boxes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(fonts, "_PLACES", (tmp_path,))
    plain = Charts(None)
    png = plain.png(
        hours(), title="张伟", language="zh", zone=SHANGHAI
    )  # a missing glyph would warn: an error
    assert png == plain.png(hours(), title="", language="en", zone=SHANGHAI)


def test_a_sign_that_no_font_has_is_not_drawn_as_a_box(font: Path) -> None:
    charts = Charts(font)
    png = charts.png(hours(), title="\U000f1234", language="zh", zone=SHANGHAI)
    assert png == charts.png(hours(), title="", language="zh", zone=SHANGHAI)


def test_a_font_setting_that_is_no_chinese_font_is_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "font.ttf"
    wrong.write_bytes(b"no font")
    for file in (wrong, tmp_path / "missing.ttf", Path(fonts.__file__)):
        with pytest.raises(SettingsError, match="HEADWATER_CJK_FONT"):
            fonts.chinese(file)


def test_a_face_is_remembered_as_such(font: Path) -> None:
    face = fonts.chinese(font)
    assert isinstance(face, FontPath)
    assert fonts.properties(face, 9) is fonts.properties(face, 9)


def test_large_flows_are_drawn_in_cubic_metres() -> None:
    words = chart._WORDS["en"]
    assert chart._unit(hours("flow", 90.0), words) == ("L/h", 1.0)
    assert chart._unit(hours("flow", 20_000.0), words) == ("m³/h", 1_000.0)


def test_ticks_are_local_midnights_across_a_change_of_clocks() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    low = datetime(2026, 10, 24, 12, tzinfo=UTC).timestamp()
    days = list(chart._midnights(low, low + 3 * 86_400, berlin))
    assert [day.astimezone(UTC).hour for day in days] == [22, 23, 23]


def test_use_comes_from_the_hours_in_the_store_with_gaps_left_open(conn: Connection) -> None:
    town = samples.town(conn)
    samples.usage(conn, town.meter_id)
    conn.execute("delete from usage_hourly where slot = %s", (datetime(2026, 11, 18, 5, tzinfo=UTC),))
    about = document()
    about["meter"]["id"] = town.meter_id
    found = series.load(conn, facts(about))
    assert found is not None
    assert (found.kind, found.threshold, found.onset, found.until) == ("usage", 3.8, ONSET, NOW)
    (line,) = found.lines
    assert np.isnan(line.value).sum() == 2  # the gap, and the end
    gap = int(np.flatnonzero(np.isnan(line.value))[0])
    assert line.at[gap] == datetime(2026, 11, 18, 5, tzinfo=UTC).timestamp()
    assert line.at[gap + 1] == datetime(2026, 11, 18, 6, tzinfo=UTC).timestamp()


def test_a_burst_is_drawn_from_the_readings(conn: Connection) -> None:
    town = samples.town(conn)
    for quarter, litres in enumerate((0.0, 10.0, 732.5)):
        at = NOW - timedelta(minutes=15 * (2 - quarter))
        factories.insert(conn, "reading", meter_id=town.meter_id, ts=at, register_l=litres)
    about = document("burst")
    about["meter"]["id"] = town.meter_id
    found = series.load(conn, facts(about))
    assert found is not None
    assert found.kind == "flow"
    assert found.lines[0].value[:2].tolist() == [40.0, 2890.0]


def test_pressure_is_drawn_for_the_meters_of_the_evidence(conn: Connection) -> None:
    town = samples.town(conn)
    for serial in ("P-1", "P-2", "P-3"):
        meter = factories.meter(conn, serial, kind="pressure", dma_id=town.dma_id)
        factories.insert(conn, "reading", meter_id=meter, ts=NOW, pressure_kpa=120.0)
    found = series.load(conn, facts(document("low_pressure", sector=None)))
    assert found is not None
    assert ([line.label for line in found.lines], found.threshold) == (["P-1", "P-2"], 140.0)


def test_nothing_in_the_store_is_no_chart(bare: Connection) -> None:
    for detector in ("continuous_flow", "burst", "low_pressure"):
        assert series.load(bare, facts(document(detector))) is None
