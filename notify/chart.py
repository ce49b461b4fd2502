"""Draw the evidence of an event: what the meter saw, the threshold, and since when."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from io import BytesIO
from pathlib import Path

import numpy as np
from babel.dates import format_datetime
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontPath

from notify import fonts
from notify.series import Line, Series

_SIZE_INCH, _DPI = (7.2, 2.9), 125
_CALM, _EVENT, _LIMIT, _INK, _PALE = "#7aa6cf", "#d9622b", "#b42318", "#1c2733", "#5f6b7a"
_LINES = ("#0b5cad", "#7b5ea7", "#2a8a6b", "#b07b1a")
_M3_FROM_LPH = 10_000
_TICKS = 11


@dataclass(frozen=True)
class _Words:
    usage: str
    flow: str
    pressure: str
    lph: str
    m3h: str
    pressure_unit: str
    pressure_scale: float
    threshold: str
    minimum: str
    onset: str
    event: str
    day: str


_WORDS = {
    "zh": _Words(
        usage="每小时用水量",
        flow="流量",
        pressure="压力",
        lph="升/小时",
        m3h="立方米/小时",
        pressure_unit="MPa",
        pressure_scale=1_000.0,
        threshold="判定门限",
        minimum="服务压力",
        onset="开始",
        event="异常时段",
        day="M月d日",
    ),
    "en": _Words(
        usage="Use by the hour",
        flow="Flow",
        pressure="Pressure",
        lph="L/h",
        m3h="m³/h",
        pressure_unit="kPa",
        pressure_scale=1.0,
        threshold="threshold",
        minimum="service minimum",
        onset="onset",
        event="event",
        day="d MMM",
    ),
}


class Charts:
    """Draws charts with one font; safe in several threads."""

    def __init__(self, font: Path | None) -> None:
        self._face = fonts.chinese(font)

    def png(self, series: Series, *, title: str, language: str, zone: tzinfo) -> bytes:
        """Return the chart as PNG, 900 x 362 pixels, with labels in the language.

        Where there is no font for them, the labels are English; a title it can't write is left out.
        """
        words, face = self._words(language, "".join(line.label for line in series.lines))
        if face is None and not title.isascii():
            face = self._face  # English words around a Chinese name
        if not fonts.covers(face, title):
            title = ""
        figure = Figure(figsize=_SIZE_INCH, dpi=_DPI)
        figure.patch.set_facecolor("white")
        axes = figure.add_axes((0.085, 0.13, 0.9, 0.7))
        _draw(axes, series, words, face)
        _date_axis(axes, series, words, face, language, zone)
        unit, _ = _unit(series, words)
        name = {"usage": words.usage, "flow": words.flow, "pressure": words.pressure}[series.kind]
        heading = f"{title}  ·  {name} ({unit})" if title else f"{name} ({unit})"
        axes.set_title(heading, loc="left", fontproperties=fonts.properties(face, 10), color=_INK, pad=8)
        drawn = BytesIO()
        FigureCanvasAgg(figure).print_figure(drawn, format="png", pil_kwargs={"compress_level": 4})
        return drawn.getvalue()

    def _words(self, language: str, labels: str) -> tuple[_Words, FontPath | None]:
        """Return the words of the language and the face to write them with, else English and no face."""
        words = _WORDS.get(language, _WORDS["en"])
        drawn = labels + "".join(map(str, vars(words).values()))
        if words is not _WORDS["en"] and fonts.covers(self._face, drawn):
            return words, self._face
        return _WORDS["en"], None


def _unit(series: Series, words: _Words) -> tuple[str, float]:
    """Return the unit, and how many of the series' own make one of it."""
    if series.kind == "pressure":
        return words.pressure_unit, words.pressure_scale
    return (words.m3h, 1_000.0) if _peak(series) >= _M3_FROM_LPH else (words.lph, 1.0)


def _peak(series: Series) -> float:
    return max(float(np.nanmax(line.value, initial=0.0)) for line in series.lines)


def _draw(axes: Axes, series: Series, words: _Words, face: FontPath | None) -> None:
    small = fonts.properties(face, 8.5)
    _, scale = _unit(series, words)
    onset, until = series.onset.timestamp(), series.until.timestamp()
    begin = min(float(line.at[0]) for line in series.lines)
    axes.axvspan(max(onset, begin), until, color=_EVENT, alpha=0.10, linewidth=0, label=words.event)
    for line, colour in zip(series.lines, _LINES, strict=False):
        if series.kind == "pressure":
            axes.plot(line.at, line.value / scale, color=colour, linewidth=1.3, label=line.label)
        else:
            _steps(axes, line, onset, scale)
    if series.threshold is not None:
        name = words.minimum if series.kind == "pressure" else words.threshold
        axes.axhline(series.threshold / scale, color=_LIMIT, linewidth=1.2, linestyle=(0, (5, 3)), label=name)
    if onset >= begin:
        axes.axvline(onset, color=_EVENT, linewidth=1.4)
        axes.annotate(
            words.onset,
            (onset, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(-4, -4),
            textcoords="offset points",
            ha="right",
            va="top",
            color=_EVENT,
            fontproperties=small,
        )
    top = max(_peak(series), (series.threshold or 0.0) * 1.1) / scale
    axes.set_ylim(0, top * 1.12 or 1.0)
    axes.set_xlim(begin, until + (until - begin) * 0.01)
    axes.legend(
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        ncols=6,
        prop=small,
        frameon=False,
        borderaxespad=0.2,
        handlelength=1.6,
        columnspacing=1.2,
        labelcolor=_PALE,
    )


def _steps(axes: Axes, line: Line, onset: float, scale: float) -> None:
    value = line.value / scale
    axes.fill_between(line.at, value, step="post", color=_CALM, linewidth=0)
    during = line.at >= onset
    if during.any():
        axes.fill_between(line.at[during], value[during], step="post", color=_EVENT, linewidth=0)


def _date_axis(
    axes: Axes, series: Series, words: _Words, face: FontPath | None, language: str, zone: tzinfo
) -> None:
    low, high = axes.get_xlim()
    locale = "zh_Hans_CN" if words is _WORDS["zh"] else "en_GB"
    margin = (high - low) * 0.03  # a label at the very edge would be cut
    days = list(_midnights(low, high - margin, zone))
    days = days[:: max(1, -(-len(days) // _TICKS))]
    axes.set_xticks([day.timestamp() for day in days])
    small = fonts.properties(face, 8.5)
    axes.set_xticklabels(
        [format_datetime(day, words.day, locale=locale) for day in days], fontproperties=small
    )
    for label in axes.get_yticklabels():
        label.set_fontproperties(small)
    axes.tick_params(colors=_PALE, length=3)
    axes.grid(axis="both", color="#e3e8ee", linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color("#c3ccd6")


def _midnights(low: float, high: float, zone: tzinfo) -> Iterator[datetime]:
    """Yield the local midnights between two instants (seconds since 1970)."""
    day = datetime.fromtimestamp(low, UTC).astimezone(zone).date() + timedelta(days=1)
    while (at := datetime(day.year, day.month, day.day, tzinfo=zone)).timestamp() <= high:
        yield at
        day += timedelta(days=1)
