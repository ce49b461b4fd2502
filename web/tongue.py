"""Chinese and English: catalogues in web/locale, and dates, numbers and units as the reader writes them.

English is the language of the source; `web/locale/zh/*.po` translate it, one file a room, and those in `told`
what other rooms say. They are read at start: there is nothing to compile.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache
from importlib import resources
from io import BytesIO
from typing import Any

from babel import Locale
from babel.dates import format_date, format_datetime, format_time, format_timedelta
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal, format_percent

LANGUAGES = ("zh", "en")
_LOCALES = {"zh": Locale.parse("zh_CN"), "en": Locale.parse("en_GB")}
NOTHING = "–"


@cache
def catalogue(language: str, *within: str) -> dict[str, tuple[str, ...]]:
    """Return the translations into a language, singular and plural; ValueError where two files disagree."""
    words: dict[str, tuple[str, ...]] = {}
    folder = resources.files("web").joinpath("locale", language, *within)
    if not folder.is_dir():
        return words
    for file in sorted((f for f in folder.iterdir() if f.is_file()), key=lambda f: f.name):
        for message in read_po(BytesIO(file.read_bytes()), locale=language):
            if not message.id or message.fuzzy:
                continue
            source = message.id if isinstance(message.id, str) else message.id[0]
            string = message.string or ""
            given = (string,) if isinstance(string, str) else tuple(string)
            if not given[0]:
                continue
            if words.setdefault(source, given) != given:
                raise ValueError(f"{file.name} translates {source!r} otherwise than another file")
    return words


class Tongue:
    """One language: what is said in it, and how it writes times, numbers and amounts."""

    def __init__(self, language: str) -> None:
        self.language = language if language in LANGUAGES else "en"
        self.locale = _LOCALES[self.language]
        self._words = catalogue(self.language)

    def say(self, source: str) -> str:
        """Return the text in this language."""
        return self._words.get(source, (source,))[0]

    def count(self, one: str, many: str, n: int) -> str:
        """Return the text for a number of things."""
        if one in self._words:
            return self._words[one][0]  # Chinese has one form
        return one if n == 1 else many

    # Times are shown in the utility's zone.

    def moment(self, at: datetime | None, zone: tzinfo) -> str:
        """Return a day and time, such as `21 Nov 2026, 17:00`."""
        return NOTHING if at is None else format_datetime(at, "medium", zone, self.locale).removesuffix(":00")

    def minute(self, at: datetime | None, zone: tzinfo) -> str:
        """Return a day and time without the seconds."""
        if at is None:
            return NOTHING
        return f"{self.day(at.astimezone(zone).date())} {format_time(at, 'HH:mm', zone, self.locale)}"

    def clock(self, at: datetime | None, zone: tzinfo) -> str:
        """Return the time of the day."""
        return NOTHING if at is None else format_time(at, "HH:mm", zone, self.locale)

    def day(self, on: date | None) -> str:
        """Return a day with its year."""
        return NOTHING if on is None else format_date(on, "medium", self.locale)

    def weekday(self, on: date | None) -> str:
        """Return a day with its weekday, without the year."""
        return (
            NOTHING
            if on is None
            else format_date(on, "EEE d MMM" if self.language == "en" else "M月d日 EEE", self.locale)
        )

    def month(self, on: date | None) -> str:
        """Return a month with its year."""
        return (
            NOTHING
            if on is None
            else format_date(on, "MMMM y" if self.language == "en" else "y年M月", self.locale)
        )

    def ago(self, at: datetime | None, now: datetime) -> str:
        """Return how long ago, or in how long, roughly."""
        if at is None:
            return NOTHING
        return format_timedelta(at - now, threshold=1.2, add_direction=True, locale=self.locale)

    def span(self, seconds: float | timedelta | None) -> str:
        """Return a length of time, roughly."""
        if seconds is None:
            return NOTHING
        length = seconds if isinstance(seconds, timedelta) else timedelta(seconds=seconds)
        return format_timedelta(length, threshold=1.2, locale=self.locale)

    # Numbers keep about three figures: a reader compares them, a program reads the API.

    def number(self, value: float | None, digits: int | None = None) -> str:
        """Return a number with `digits` behind the point, or with about three figures."""
        if value is None:
            return NOTHING
        if digits is None:
            size = abs(value)
            digits = 0 if size >= 100 or value == int(value) else 1 if size >= 10 else 2
        pattern = "#,##0" + ("." + "#" * digits if digits else "")
        return str(format_decimal(round(value, digits), pattern, self.locale))

    def litres(self, value_l: float | None) -> str:
        """Return a volume in L, or in m³ from one upwards."""
        if value_l is None:
            return NOTHING
        return f"{self.number(value_l)} L" if abs(value_l) < 1000 else f"{self.number(value_l / 1000)} m³"

    def m3(self, value_m3: float | None) -> str:
        """Return a volume in m³."""
        return NOTHING if value_m3 is None else f"{self.number(value_m3)} m³"

    def lph(self, value_lph: float | None) -> str:
        """Return a flow in L/h, or in m³/h from one upwards."""
        if value_lph is None:
            return NOTHING
        if abs(value_lph) < 1000:
            return f"{self.number(value_lph)} L/h"
        return f"{self.number(value_lph / 1000)} m³/h"

    def kpa(self, value_kpa: float | None) -> str:
        """Return a pressure in kPa."""
        return NOTHING if value_kpa is None else f"{self.number(value_kpa)} kPa"

    def percent(self, share: float | None, digits: int = 0) -> str:
        """Return a share of one as a percentage."""
        if share is None:
            return NOTHING
        pattern = "#,##0" + ("." + "0" * digits if digits else "") + "%"
        return str(format_percent(share, pattern, self.locale))

    def money(self, amount: float | None, currency: str, *, whole: bool = False) -> str:
        """Return an amount in the utility's currency; ISO 4217, empty where it has none."""
        if amount is None:
            return NOTHING
        if not currency:
            return self.number(amount, 0 if whole else 2)
        pattern = "¤#,##0" if whole else None
        return str(format_currency(amount, currency, pattern, locale=self.locale, currency_digits=not whole))


@cache
def tongue(language: str) -> Tongue:
    """Return the language, read once."""
    return Tongue(language)


def chosen(header: str) -> str:
    """Return which of our languages an Accept-Language header asks for first; for none, Chinese."""
    places = {language: header.lower().find(language) for language in LANGUAGES}
    known = {language: place for language, place in places.items() if place >= 0}
    return min(known, key=lambda language: known[language]) if known else "zh"


def filters(words: Tongue) -> dict[str, Callable[..., Any]]:
    """Return the template filters that need neither zone nor currency."""
    return {
        name: getattr(words, name)
        for name in ("day", "weekday", "month", "span", "number", "litres", "m3", "lph", "kpa", "percent")
    }


def iso(at: datetime) -> str:
    """Return an instant as a program reads it."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
