"""Figures in words."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from notify.speech import Speech

ZH = Speech("zh", ZoneInfo("Asia/Shanghai"), 2026)
EN = Speech("en", ZoneInfo("Europe/London"), 2026)


@pytest.mark.parametrize(
    ("value", "zh", "en"),
    [
        (0, "0 升/小时", "0 L/h"),
        (0.25, "0.25 升/小时", "0.25 L/h"),
        (42.34, "42.3 升/小时", "42.3 L/h"),
        (1234.5, "1,234 升/小时", "1,234 L/h"),
        (23456, "23.5 立方米/小时", "23.5 m³/h"),
        (float("nan"), "", ""),
        (float("inf"), "", ""),
        (None, "", ""),
        ("NaN", "", ""),
        (True, "", ""),
    ],
)
def test_rate(value: object, zh: str, en: str) -> None:
    assert (ZH.rate(value), EN.rate(value)) == (zh, en)


def test_pressure_is_spoken_of_in_megapascal_in_chinese() -> None:
    assert (ZH.pressure(138.3), EN.pressure(138.3)) == ("0.138 MPa", "138 kPa")


def test_volume_and_money() -> None:
    assert (ZH.volume_l(999), ZH.volume_l(1310)) == ("999 升", "1.3 立方米")
    assert (ZH.money(1234.5, "CNY"), EN.money(0.4, "EUR"), EN.money(3, None)) == ("¥1,234.50", "€0.40", "")


@pytest.mark.parametrize(
    ("minutes", "zh", "en"),
    [
        (0, "1 分钟", "1 minute"),
        (35, "35 分钟", "35 minutes"),
        (60, "1 小时", "1 hour"),
        (90, "90 分钟", "90 minutes"),
        (31 * 60, "31 小时", "31 hours"),
        (48 * 60, "2 天", "2 days"),
        (75 * 60, "3 天 3 小时", "3 days 3 hours"),
        (15 * 1440 + 800, "16 天", "16 days"),
    ],
)
def test_span(minutes: int, zh: str, en: str) -> None:
    span = timedelta(minutes=minutes)
    assert (ZH.span(span), EN.span(span)) == (zh, en)


def test_instants_are_local_in_summer_and_winter_with_the_year_when_it_is_another() -> None:
    assert ZH.instant(datetime(2026, 11, 20, 16, 30, tzinfo=UTC)) == "11月21日（周六）00:30"
    assert EN.instant(datetime(2026, 7, 1, 12, 0, tzinfo=UTC)) == "Wed 1 Jul, 13:00"
    assert EN.instant(datetime(2026, 1, 1, 12, 0, tzinfo=UTC)) == "Thu 1 Jan, 12:00"
    assert EN.instant(datetime(2025, 1, 1, 12, 0, tzinfo=UTC)) == "Wed 1 Jan 2025, 12:00"
    assert EN.instant(None) == ""
    assert EN.zone_name(datetime(2026, 7, 1, tzinfo=UTC)) == "Europe/London (UTC+01:00)"
