"""How good the detectors are on the labelled sets of `--data DIR`, by the sets' own scorer.

A set is a dataset folder whose labels stand in DIR/labels; what is there says how it is scored. The scorer
is DIR/../score/score.py; it is run as it is.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.forecasts import WEEKS, median_forecast
from bench.measure import Result
from bench.tools import bench_python, data_dir, say

NAME = "detection_quality"
#: By rule of the scorer: (figure, unit, bar, whether more is better).
BARS: dict[str, tuple[tuple[str, str, float, bool], ...]] = {
    "residential": (
        ("recall", "share", 0.72, True),
        ("false_per_1000_meter_days", "1/1000 d", 1.2, False),
    ),
    "dma": (("recall", "share", 0.52, True), ("false_per_dma_month", "1/month", 0.30, False)),
    "network": (("onset_f1", "", 0.55, True), ("economic_share", "share", 0.35, True)),
    "scenarios": (("f1", "%", 75.0, True),),
}
FORECAST_BAR = 0.9


def run() -> Iterator[Result]:
    data = data_dir()
    if data is None:
        say("no quality: give a folder of labelled sets with --data DIR (make bench-detection DATA=DIR)")
        return
    scorer, python = data.parent / "score" / "score.py", None
    if not scorer.is_file():
        say(f"no quality: there is no scorer at {scorer}")
    else:
        python = bench_python()
    if python is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        score = _Score(data, scorer, python, Path(folder))
        for name, rule in sets(data):
            yield from score.events(name, rule)
            if rule == "dma":
                yield from score.forecast(name)
                yield from score.forecast(f"{name}_clean")


def sets(data: Path) -> list[tuple[str, str]]:
    """Return the sets of a folder and the scorer's rule for each."""
    found = []
    for folder in sorted(path for path in data.iterdir() if (path / "meters.csv").is_file()):
        name, labels = folder.name, data / "labels"
        if (labels / f"{name}_leakflow.npz").is_file():
            found.append((name, "network"))
        elif (labels / f"{name}_label.npz").is_file():
            found.append((name, "scenarios"))
        elif (labels / f"{name}_ambiguous.csv").is_file():
            found.append((name, "residential"))
        elif (labels / f"{name}_labels.csv").is_file() and (data / f"{name}_clean").is_dir():
            found.append((name, "dma"))
    return found


class _Score:
    """Backtests and forecasts sets, and asks the scorer."""

    def __init__(self, data: Path, scorer: Path, python: str, folder: Path) -> None:
        self._data, self._scorer, self._python, self._folder = data, scorer, python, folder

    def events(self, name: str, rule: str) -> Iterator[Result]:
        """Yield the figures of one set's events."""
        labels, events = self._data / "labels", self._backtest(name)
        given = {
            "network": [labels / f"{name}_leaks.csv", labels / f"{name}_leakflow.npz", events],
            "scenarios": [labels / f"{name}_label.npz", events],
            "residential": [labels / f"{name}_labels.csv", labels / f"{name}_ambiguous.csv", events],
        }
        if rule == "dma":
            given["dma"] = [labels / f"{name}_labels.csv", events, self._backtest(f"{name}_clean")]
        figures = self._ask(rule, name, *given[rule])
        if rule == "network":
            figures["economic_share"] = round(figures["eur"] / max(figures["eur_ceiling"], 1), 3)
        say(f"{name}: {json.dumps(figures)}")
        for figure, unit, bar, more in BARS[rule]:
            value = float(figures[figure])
            ok = value >= bar if more else value <= bar
            yield Result(f"{NAME}_{name}_{figure}", value, unit, None, None, 1, bar, ok)

    def forecast(self, name: str) -> Iterator[Result]:
        """Yield PI1 and PI3 of a week ahead, against the median of the last four weeks' same hours."""
        ours, theirs = [], []
        for at in WEEKS:
            mine, median = (self._folder / f"{way}-{name}-{at[:10]}.csv" for way in ("ours", "median"))
            command = ["forecast", str(self._data / name), "--at", at, "--hours", "168", "--out", str(mine)]
            _headwater(*command)
            median_forecast(self._data / name, at, mine, median)
            ours.append(mine)
            theirs.append(median)
        mine_scored, median_scored = (self._ask("forecast", name, *files) for files in (ours, theirs))
        say(f"{name} forecast: {json.dumps(mine_scored)} against {json.dumps(median_scored)}")
        for figure in ("pi1", "pi3"):
            ratio = mine_scored[figure] / median_scored[figure]
            yield Result(
                f"{NAME}_{name}_forecast_{figure}",
                mine_scored[figure],
                "L/s",
                round(ratio, 3),
                "median_of_4_weeks",
                len(WEEKS),
                FORECAST_BAR,
                ratio <= FORECAST_BAR,
            )

    def _backtest(self, name: str) -> Path:
        out = self._folder / f"{name}.csv"
        _headwater("backtest", str(self._data / name), "--out", str(out))
        return out

    def _ask(self, rule: str, name: str, *files: Path) -> dict[str, Any]:
        command = [self._python, str(self._scorer), rule, str(self._data / name), *map(str, files)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        found: dict[str, Any] = json.loads(done.stdout)
        return found


def _headwater(*command: str) -> None:
    subprocess.run([sys.executable, "-m", "jobs", *command], stdout=subprocess.DEVNULL, check=True)
