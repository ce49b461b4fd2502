"""The charts of the report as plain lists: what the layout draws, with every text ready."""

import math
from collections.abc import Callable, Sequence
from typing import Any

Chart = dict[str, Any]
Values = Sequence[float | None]
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_TICKS = 4


def bars(
    title: str,
    labels: Sequence[str],
    series: Sequence[tuple[str, Values]],
    say: Callable[[float], str],
    *,
    note: str = "",
    top: float | None = None,
) -> Chart:
    """Return upright bars with an axis from 0; without a single value, the chart says that there is none."""
    known = [value for _, values in series for value in values if value is not None]
    step = _step(top or max(known, default=0.0) or 1.0)
    highest = top or step * math.ceil(max(known, default=1.0) / step - 1e-9) or step
    ticks = [step * n for n in range(round(highest / step) + 1)]
    return {
        "kind": "bars",
        "title": title,
        "note": note,
        "labels": list(labels) if known else [],
        "top": highest,
        "ticks": [{"at": tick, "text": say(tick)} for tick in ticks],
        "series": [_series(name, values, [_said(v, say) for v in values]) for name, values in series],
    }


def shares(
    title: str,
    labels: Sequence[str],
    series: Sequence[tuple[str, Values, Sequence[str]]],
    *,
    note: str = "",
) -> Chart:
    """Return lying bars of shares (0..1), each with the text that stands beside it."""
    return {
        "kind": "shares",
        "title": title,
        "note": note,
        "labels": list(labels),
        "series": [_series(name, values, texts) for name, values, texts in series],
    }


def _series(name: str, values: Values, texts: Sequence[str]) -> dict[str, Any]:
    return {"name": name, "values": list(values), "texts": list(texts)}


def _said(value: float | None, say: Callable[[float], str]) -> str:
    return "" if value is None else say(value)


def _step(top: float) -> float:
    """Return the round distance between ticks that makes about four of them."""
    rough = top / _TICKS
    scale = 10.0 ** math.floor(math.log10(rough))
    return scale * next(step for step in _STEPS if step * scale >= rough * (1 - 1e-9))
