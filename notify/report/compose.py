"""A month's report in words: everything the layout shows, as text in the reader's language."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from babel.dates import format_date

from notify.report.charts import Chart, bars, shares
from notify.report.words import WORDS
from notify.speech import LOCALE, Speech
from service.figures import BASELINE_EVENTS, BASELINE_H, Figures
from service.report import MISSED, Cause, Missed, Report

Document = dict[str, Any]
#: Managers in a chart; beyond, those who keep the fewest deadlines.
_IN_CHART = 10
#: From so many cubic metres on, volumes are told in the larger unit of the language.
_BIG_M3 = 100_000.0
_BIG = {"zh": 10_000.0, "en": 1_000.0}
#: The columns of a table by manager, region or segment, and how wide they are.
_GROUP_COLUMNS = {
    "name": 1.5,
    "opened": 0.85,
    "response_share": 1.15,
    "resolution_share": 1.0,
    "resolution_h": 1.0,
    "reopened_share": 0.8,
    "satisfied_share": 1.1,
    "visits": 0.95,
    "visits_open": 0.95,
    "saved_m3": 0.9,
    "volume_m3": 1.05,
    "revenue": 1.1,
    "plan_share": 0.95,
}


class Composer:
    """Puts one report into the words of one language."""

    def __init__(self, report: Report, language: str) -> None:
        self.report = report
        self.language = language if language in WORDS else "en"
        self.words = WORDS[self.language]
        self.speech = Speech(self.language, report.zone, report.month.year)

    def document(self) -> Document:
        """Return everything the layout shows; it is JSON."""
        r, w = self.report, self.words
        zone = self.speech.zone_name(r.as_of)
        return {
            "language": self.language,
            "utility": r.utility,
            "title": w["title"],
            "month": self._date(r.month, "month"),
            "scope": self._scope(),
            "made": w["made"].format(at=self.speech.instant(r.as_of), zone=zone),
            "running": w["running"] if r.running else "",
            **{
                word: w[word]
                for word in ("page", "nothing", "key_figures", "in_pictures", "in_figures", "definitions")
            },
            "tiles": self._tiles(),
            "charts": self._charts(),
            "tables": self._tables(),
            "notes": self._notes(),
        }

    def _scope(self) -> str:
        scope = self.report.scope
        if scope.kind == "utility":
            return self.words["whole"]
        return self.words[f"{scope.kind}_scope"].format(name=scope.name)

    def _date(self, day: date, pattern: str) -> str:
        return str(format_date(day, self.words[pattern], locale=LOCALE[self.language]))

    # Key figures

    def _tiles(self) -> list[Document]:
        money = self._money
        return [
            self._tile("opened", lambda f: f.opened, self.speech.number, better=0),
            self._tile("response_share", lambda f: f.response_share, self.speech.share),
            self._tile("resolution_share", lambda f: f.resolution_share, self.speech.share),
            self._tile("reopened_share", lambda f: f.reopened_share, self.speech.share, better=-1),
            self._tile("satisfied_share", lambda f: f.satisfied_share, self.speech.share),
            self._tile("visits_share", lambda f: f.visits_share, self.speech.share, aside=self._visits),
            self._tile(
                "saved_m3",
                lambda f: f.saved_m3,
                self.speech.number,
                unit=self.words["m3"],
                aside=lambda f: money(f.saved_money) if f.saved_money else "",
            ),
            self._tile(
                "volume_m3",
                lambda f: f.volume_m3,
                self._volume,
                unit=self._volume_unit(),
                better=0,
                aside=lambda f: money(f.revenue),
            ),
        ]

    def _tile(
        self,
        word: str,
        of: Callable[[Figures], float | None],
        say: Callable[[float], str],
        *,
        better: int = 1,
        unit: str = "",
        aside: Callable[[Figures], str] = lambda _: "",
    ) -> Document:
        """Return a key figure and its change; `better` is the direction that is good news, 0 for neither."""
        now = of(self.report.now)
        before = of(self.report.before) if self.report.before else None
        change, tone = self.words["no_before"], 0
        if now is None:
            change = ""
        elif before is not None:
            change, direction = self._change(now, before, is_share=word.endswith("_share"))
            tone = direction * better
        beside = aside(self.report.now)
        return {
            "label": self.words[word],
            "value": "–" if now is None else say(now),
            "unit": "" if now is None else unit,
            "change": " · ".join(text for text in (change, beside) if text),
            "tone": tone,
        }

    def _change(self, now: float, before: float, *, is_share: bool) -> tuple[str, int]:
        """Return the change since the month before in words, and its direction."""
        by = (now - before) * 100 if is_share else (now - before) / before * 100 if before else None
        if by is None:
            return self.words["no_before"], 0
        if abs(by) < 0.05:
            return self.words["same"], 0
        arrow, direction = ("▲", 1) if by > 0 else ("▼", -1)
        size = self.speech.number(abs(by), 1)
        return f"{arrow} {self.words['points'].format(n=size) if is_share else size + '%'}", direction

    def _visits(self, f: Figures) -> str:
        if not f.visits_due:
            return ""
        done, due = self.speech.number(f.visits_done), self.speech.number(f.visits_due)
        return self.words["visits_counts"].format(done=done, due=due)

    def _money(self, amount: float | None) -> str:
        return self.speech.whole_money(amount, self.report.currency)

    def _big(self) -> bool:
        volumes = [f.volume_m3 or 0.0 for f in (self.report.now, *(f for _, f in self.report.months if f))]
        return max(volumes) >= _BIG_M3

    def _volume_unit(self) -> str:
        return self.words["big_m3" if self._big() else "m3"]

    def _volume(self, m3: float | None) -> str:
        if m3 is None or not self._big():
            return self.speech.number(m3)
        return self.speech.number(m3 / _BIG[self.language], 2)

    # Charts

    def _charts(self) -> list[Chart]:
        r, w = self.report, self.words
        weeks = [self._date(week.first, "day") for week in r.weeks]
        opened, resolved = [w.opened for w in r.weeks], [w.resolved for w in r.weeks]
        shown: list[Chart] = [
            bars(
                w["weeks"],
                weeks if any(opened) or any(resolved) else [],
                [(w["opened_bar"], opened), (w["resolved_bar"], resolved)],
                self.speech.number,
            ),
            self._kept_months(),
            self._past("satisfaction", lambda f: f.satisfied_share, self.speech.share, top=1.0),
            self._past("saved", lambda f: f.saved_m3, self.speech.number, unit=w["m3"]),
            self._past("volume", lambda f: f.volume_m3, self._axis_volume, unit=self._volume_unit()),
            self._past("visits_made", lambda f: f.visits_share, self.speech.share, top=1.0),
        ]
        if "manager" in r.groups:
            shown.append(self._kept())
        return shown

    def _axis_volume(self, m3: float) -> str:
        return self.speech.number(m3 / _BIG[self.language] if self._big() else m3)

    def _month_labels(self) -> list[str]:
        """Name the months; the year stands below the first and below every January."""
        months = [month for month, _ in self.report.months]
        return [
            self._date(month, "short_month")
            + (f"\n{self._date(month, 'year')}" if month.month == 1 or month == months[0] else "")
            for month in months
        ]

    def _past(
        self,
        word: str,
        of: Callable[[Figures], float | None],
        say: Callable[[float], str],
        *,
        unit: str = "",
        top: float | None = None,
    ) -> Chart:
        values = [of(f) if f else None for _, f in self.report.months]
        title = f"{self.words[word]} ({unit})" if unit else self.words[word]
        note = self.words.get(f"{word}_note", "")
        known = any(value is not None for value in values)
        return bars(title, self._month_labels() if known else [], [("", values)], say, note=note, top=top)

    def _kept_months(self) -> Chart:
        months = [f for _, f in self.report.months]
        return bars(
            self.words["kept_months"],
            self._month_labels(),
            [
                (self.words["response_bar"], [f.response_share if f else None for f in months]),
                (self.words["resolution_bar"], [f.resolution_share if f else None for f in months]),
            ],
            self.speech.share,
            top=1.0,
            note="",
        )

    def _kept(self) -> Chart:
        """Return who keeps how many deadlines; of many managers, those who keep the fewest."""
        due = [
            f
            for f in self.report.groups["manager"]
            if f.response_share is not None or f.resolution_share is not None
        ]
        worst = sorted(due, key=lambda f: (2 if f.resolution_share is None else f.resolution_share, f.key))
        note = self.words["kept_worst"].format(n=_IN_CHART) if len(due) > _IN_CHART else ""
        shown = worst[:_IN_CHART]
        return shares(
            self.words["kept"],
            [f.name for f in shown],
            [
                (
                    self.words["response_bar"],
                    [f.response_share for f in shown],
                    [self._of(f.response_share, f.response_kept, f.response_missed) for f in shown],
                ),
                (
                    self.words["resolution_bar"],
                    [f.resolution_share for f in shown],
                    [self._of(f.resolution_share, f.resolution_kept, f.resolution_missed) for f in shown],
                ),
            ],
            note=note,
        )

    def _of(self, value: float | None, kept: int, missed: int) -> str:
        if value is None:
            return "–"
        return f"{self.speech.share(value)} ({self.speech.number(kept)}/{self.speech.number(kept + missed)})"

    # Tables

    def _tables(self) -> list[Document]:
        r, w = self.report, self.words
        tables = [
            self._group(w[f"by_{dimension}"], r.groups[dimension], dimension == "segment")
            for dimension in ("manager", "region", "segment")
            if dimension in r.groups
        ]
        if r.scope.kind != "utility" or r.missed:
            tables.append(self._missed(r.missed))
        tables.append(self._causes(r.causes))
        return tables

    def _group(self, title: str, rows: Sequence[Figures], named: bool) -> Document:
        w = self.words
        columns = {column: w[column] for column in _GROUP_COLUMNS}
        columns["saved_m3"] += f"\n({w['m3']})"
        columns["volume_m3"] += f"\n({self._volume_unit()})"
        columns["revenue"] += f"\n({self.report.currency})"
        return {
            "title": title,
            "nothing": w["nothing"],
            "note": "",
            "words": 1,
            "widths": list(_GROUP_COLUMNS.values()),
            "columns": list(columns.values()),
            "rows": [self._row(f, w[f"segment_{f.key}"] if named else f.name) for f in rows],
        }

    def _row(self, f: Figures, name: str) -> list[str]:
        s = self.speech
        satisfied = f"{s.share(f.satisfied_share)} ({s.number(f.answered)})" if f.answered else ""
        cells = [
            name,
            s.number(f.opened),
            s.share(f.response_share),
            s.share(f.resolution_share),
            s.number(f.resolution_h),
            s.share(f.reopened_share),
            satisfied,
            self._slashed(f, f.visits_on_time, f.visits_done, f.visits_due),
            self._slashed(f, f.visits_postponed, f.visits_overdue),
            s.number(f.saved_m3) if f.saved_m3 else "",
            self._volume(f.volume_m3),
            s.number(f.revenue, 0),
            s.share(f.plan_share),
        ]
        return [cell or "–" for cell in cells]

    def _slashed(self, f: Figures, *counts: int) -> str:
        return "/".join(self.speech.number(count) for count in counts) if f.visits_due else ""

    def _missed(self, rows: Sequence[Missed]) -> Document:
        w, s = self.words, self.speech
        return {
            "title": w["missed"],
            "nothing": w["none_missed"],
            "note": w["missed_note"].format(n=MISSED) if rows else "",
            "words": 2,
            "widths": [0.7, 2.5, 1.5, 1.5, 1.5],
            "columns": [w["ticket"], w["customer"], w["opened_at"], w["due"], w["resolved_at"]],
            "rows": [
                [
                    str(row.id),
                    row.customer,
                    s.instant(row.opened_at),
                    s.instant(row.resolution_due),
                    s.instant(row.resolved_at) or w["not_yet"],
                ]
                for row in rows
            ],
        }

    def _causes(self, rows: Sequence[Cause]) -> Document:
        w, s = self.words, self.speech
        return {
            "title": w["causes"],
            "nothing": w["nothing"],
            "note": w["causes_note"] if rows else "",
            "words": 1,
            "widths": [3.5, 1, 1, 1],
            "columns": [w["cause"], w["cause_tickets"], w["cause_again"], w["cause_share"]],
            "rows": [
                [
                    (row.name_zh if self.language == "zh" else row.name_en) or row.code or w["unnamed"],
                    s.number(row.tickets),
                    s.number(row.again),
                    s.share(row.again / row.tickets),
                ]
                for row in rows
            ],
        }

    def _notes(self) -> list[list[str]]:
        least, default = self.speech.number(BASELINE_EVENTS), self.speech.hours(BASELINE_H)
        return [
            [self.words[f"def_{what}"], self.words[f"tell_{what}"].format(least=least, default=default)]
            for what in ("tickets", "deadline", "satisfied", "reopened", "visits", "saved", "volume", "plan")
        ]
