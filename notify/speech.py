"""Figures in words: numbers, money, times and spans as people of the recipient's language write them.

Everything here returns text; what isn't known, or isn't a finite number, is the empty text, so that a
template can ask for it with `if`.
"""

import math
import re
from datetime import datetime, timedelta, tzinfo
from typing import Literal

from babel import Locale
from babel.dates import format_datetime, format_timedelta
from babel.numbers import format_currency, format_decimal, format_percent

LOCALE = {"zh": Locale.parse("zh_Hans_CN"), "en": Locale.parse("en_GB")}
_ONE_UNIT = 1_000_000  # never go over to the next larger unit
_INSTANT = {"zh": "M月d日（EEE）HH:mm", "en": "EEE d MMM, HH:mm"}
_DATED = {"zh": "y年M月d日（EEE）HH:mm", "en": "EEE d MMM y, HH:mm"}
_DAY = {"zh": "M月d日", "en": "d MMMM"}
_DATED_DAY = {"zh": "y年M月d日", "en": "d MMMM y"}
_UNITS = {
    "zh": {"lph": "升/小时", "m3h": "立方米/小时", "l": "升", "m3": "立方米", "kpa": "kPa", "mpa": "MPa"},
    "en": {"lph": "L/h", "m3h": "m³/h", "l": "L", "m3": "m³", "kpa": "kPa", "mpa": "MPa"},
}


def finite(value: object) -> float | None:
    """Return the value as a float if it is a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


class Speech:
    """One language, one time zone."""

    def __init__(self, language: str, zone: tzinfo, year: int) -> None:
        self.language = language if language in LOCALE else "en"
        self._locale = LOCALE[self.language]
        self._units = _UNITS[self.language]
        self._zone = zone
        self._year = year

    def number(self, value: object, digits: int | None = None) -> str:
        """Return a number with as many decimals as it deserves, or with at most `digits`."""
        number = finite(value)
        if number is None:
            return ""
        if digits is None:
            digits = 0 if abs(number) >= 100 else 1 if abs(number) >= 1 else 2
        pattern = "#,##0." + "#" * digits if digits else "#,##0"
        return str(format_decimal(number, format=pattern, locale=self._locale))

    def rate(self, lph: object) -> str:
        """Return litres an hour, or cubic metres an hour from 10,000 L/h on."""
        number = finite(lph)
        if number is None:
            return ""
        if abs(number) >= 10_000:
            return self._with_unit(number / 1_000, "m3h")
        return self._with_unit(number, "lph")

    def volume_l(self, litres: object) -> str:
        """Return litres, or cubic metres from 1,000 L on."""
        number = finite(litres)
        if number is None:
            return ""
        return self._with_unit(number, "l") if abs(number) < 1_000 else self.volume_m3(number / 1_000)

    def index_l(self, litres: object) -> str:
        """Return what a register shows, to the litre."""
        number = finite(litres)
        return "" if number is None else f"{self.number(number, 0)} {self._units['l']}"

    def volts(self, volts: object) -> str:
        """Return a voltage."""
        number = finite(volts)
        return "" if number is None else f"{self.number(number, 2)} V"

    def volume_m3(self, m3: object) -> str:
        """Return cubic metres."""
        return self._with_unit(finite(m3), "m3")

    def pressure(self, kpa: object) -> str:
        """Return the pressure: megapascal in Chinese, kilopascal in English, as each trade speaks."""
        number = finite(kpa)
        if number is None:
            return ""
        if self.language == "zh":
            return f"{self.number(number / 1_000, 3)} {self._units['mpa']}"
        return f"{self.number(number, 0)} {self._units['kpa']}"

    def money(self, amount: object, currency: str | None) -> str:
        """Return an amount with its currency."""
        number = finite(amount)
        if number is None or not currency:
            return ""
        return str(format_currency(number, currency, locale=self._locale))

    def whole_money(self, amount: object, currency: str | None) -> str:
        """Return an amount with its currency, without cents from 100 on."""
        number = finite(amount)
        if number is None or not currency or abs(number) < 100:
            return self.money(amount, currency)
        pattern = self._locale.currency_formats["standard"].pattern.replace(".00", "")
        return str(
            format_currency(round(number), currency, pattern, locale=self._locale, currency_digits=False)
        )

    def share(self, value: object) -> str:
        """Return a share (0..1) in per cent."""
        number = finite(value)
        return "" if number is None else str(format_percent(number, locale=self._locale))

    def instant(self, at: datetime | None) -> str:
        """Return an instant in local time, with the year where it isn't this one."""
        if at is None:
            return ""
        local = at.astimezone(self._zone)
        pattern = _INSTANT if local.year == self._year else _DATED
        return str(format_datetime(local, pattern[self.language], locale=self._locale))

    def day(self, at: datetime) -> str:
        """Return the local day of an instant, with the year where it isn't this one."""
        local = at.astimezone(self._zone)
        pattern = _DAY if local.year == self._year else _DATED_DAY
        return str(format_datetime(local, pattern[self.language], locale=self._locale))

    def span(self, span: timedelta) -> str:
        """Return a length of time in minutes, hours or, from two days on, days."""
        minutes = round(span.total_seconds() / 60)
        if minutes < 120 and minutes != 60:
            return self._span(timedelta(minutes=max(1, minutes)), "minute")
        if minutes < 48 * 60:
            return self._span(timedelta(hours=round(minutes / 60)), "hour")
        days, hours = divmod(round(minutes / 60), 24)
        if days >= 10 or hours == 0:
            return self._span(timedelta(days=days + hours // 12), "day")
        return self._span(timedelta(days=days), "day") + " " + self._span(timedelta(hours=hours), "hour")

    def minutes(self, value: object) -> str:
        """Return a number of minutes as a span."""
        number = finite(value)
        return "" if number is None else self.span(timedelta(minutes=number))

    def seconds(self, value: object) -> str:
        """Return a number of seconds, before or after, as a span."""
        number = finite(value)
        return "" if number is None else self.span(timedelta(seconds=abs(number)))

    def hours(self, value: object) -> str:
        """Return a number of hours as such, however many."""
        number = finite(value)
        return "" if number is None else self._span(timedelta(hours=number), "hour")

    def zone_name(self, at: datetime) -> str:
        """Return the zone's name and its offset at `at`."""
        offset = format_datetime(at.astimezone(self._zone), "xxx", locale=self._locale)
        return f"{self._zone} (UTC{offset})"

    def _span(self, span: timedelta, unit: Literal["minute", "hour", "day"]) -> str:
        text = str(format_timedelta(span, granularity=unit, threshold=_ONE_UNIT, locale=self._locale))
        return re.sub(r"(\d)(?=[^\d\s])", r"\1 ", text)

    def _with_unit(self, number: float | None, unit: str) -> str:
        return "" if number is None else f"{self.number(number)} {self._units[unit]}"
