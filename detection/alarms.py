"""What a detector says of a chunk becomes episodes in the book: begun, gone on, ended."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detection.detector import Chunk, Detector, Marks, Spans
from detection.episode import Book, Episode
from detection.touched import Touched

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Before = Mapping[int, list[Episode]]


def mark(
    detector: Detector, chunk: Chunk, part: Touched, is_open: Bools, book: Book, before: Before
) -> list[int]:
    """Put into the book what a detector marks; return the meters concerned.

    `is_open` (rows) says whose alarm is open, `before` holds the alarms that are being decided anew.
    """
    marks = detector.mark(chunk)
    if not chunk.asked.all():
        marks = replace(marks, raises=marks.raises & chunk.asked, clears=marks.clears & chunk.asked)
    at = np.flatnonzero(marks.raises.any(axis=1) | is_open)
    if len(at) == 0:
        return []
    size, name = chunk.series.slot_s, detector.name
    meters = chunk.series.ring.meter_id[chunk.rows]
    going = {int(i): book.of(name)[int(meters[i])][-1] for i in at[is_open[at]]}
    spans, closed = _spans(chunk, marks, at, going)
    measured = detector.measure(chunk, spans)
    found = set()
    for i, row in enumerate(spans.index.tolist()):
        meter, raised, end = int(meters[row]), int(spans.raised[i]), int(closed[i])
        old = going.get(row) if spans.onset[i] >= 0 else None
        back = int(marks.back[row])
        made = Episode(
            detector=name,
            meter_id=meter,
            raised_s=old.raised_s if old else raised * size,
            onset_s=old.onset_s if old else int(measured.onset[i]) * size,
            detected_s=old.detected_s if old else (raised + 1) * size,
            last_s=int(spans.end[i]) * size,
            account_no=old.account_no if old else "",
            dma=old.dma if old else "",
            magnitude=_finite(measured.magnitude[i]) or 0.0,
            loss_l=_finite(measured.loss_l[i]) or 0.0,
            evidence={k: _finite(v) for k, v in measured.evidence[i].items()},
            closed_s=end * size if end >= 0 else None,
            cleared_s=(end - back + 1) * size if end >= 0 else None,
        )
        listed = book.of(name).get(meter, [])
        if old is None:
            book.put(name, meter, [*listed, _new(detector, made, chunk, part, row, before)])
        else:
            book.put(name, meter, [*listed[:-1], made])
        found.add(meter)
    return sorted(found)


def trace(detector: Detector, chunk: Chunk, part: Touched, book: Book, before: Before) -> list[int]:
    """Put into the book what a detector that keeps several alarms open has decided; return the meters."""
    if detector.trace is None:
        return []
    meters = [int(m) for m in chunk.series.ring.meter_id[chunk.rows]]
    traced = detector.trace(chunk, [book.of(detector.name).get(m, []) for m in meters])
    changed = []
    for row, (meter, news) in enumerate(zip(meters, traced, strict=True)):
        if news:
            kept = {e.raised_s: e for e in book.of(detector.name).get(meter, ())}
            for made in news:
                old = kept.get(made.raised_s)
                kept[made.raised_s] = (
                    replace(made, account_no=old.account_no, dma=old.dma)
                    if old
                    else _new(detector, made, chunk, part, row, before)
                )
            book.put(detector.name, meter, [kept[at] for at in sorted(kept)])
            changed.append(meter)
    return changed


def switch_off(detector: str, meter: int, at_s: int, book: Book) -> None:
    """End every open alarm of a meter that the detector no longer looks at."""
    listed = book.of(detector)[meter]
    ended = [
        replace(e, closed_s=at_s, cleared_s=max(at_s, e.last_s)) if e.closed_s is None else e for e in listed
    ]
    book.put(detector, meter, ended)


def reopen(detector: str, meters: Ints, lo_s: Ints, book: Book) -> dict[int, list[Episode]]:
    """Take back what was decided at each meter from `lo_s` on; return the alarms dropped, by meter.

    A meter whose alarms are merely open again is named, without any.
    """
    listed = book.of(detector)
    if not listed:
        return {}
    dropped: dict[int, list[Episode]] = {}
    for i in np.flatnonzero(np.isin(meters, np.fromiter(listed, np.int64, len(listed)))):
        meter, from_s = int(meters[i]), int(lo_s[i])
        kept = [
            replace(e, closed_s=None, cleared_s=None) if (e.closed_s or -1) >= from_s else e
            for e in listed[meter]
            if e.raised_s < from_s
        ]
        if kept != listed[meter]:
            dropped[meter] = [e for e in listed[meter] if e.raised_s >= from_s]
            book.put(detector, meter, kept)
    return dropped


def _spans(
    chunk: Chunk, marks: Marks, at: NDArray[np.intp], going: Mapping[int, Episode]
) -> tuple[Spans, Ints]:
    """Return the spans in alarm of the rows `at`, and the slot that closed each (-1: none).

    The onset of a span that goes on from before is known (not -1).
    """
    raises, clears = marks.raises[at], marks.clears[at]
    is_open = np.isin(at, np.fromiter(going, np.intp, len(going)))
    said = raises | clears
    last = np.maximum.accumulate(np.where(said, np.arange(said.shape[1]), -1), axis=1)
    on = np.where(last >= 0, np.take_along_axis(raises, np.maximum(last, 0), axis=1), is_open[:, None])
    was = np.concatenate([is_open[:, None], on[:, :-1]], axis=1)
    covered = chunk.values()[1][at] & chunk.asked[at]
    newest = np.where(covered, np.arange(said.shape[1]), -1).max(axis=1)

    row, begin = np.nonzero(on & ~was)
    row, begin = np.append(np.flatnonzero(is_open), row), np.append(np.full(int(is_open.sum()), -1), begin)
    order = np.lexsort((begin, row))
    row, begin = row[order], begin[order]
    # The n-th span of a row ends with the row's n-th end.
    over, end = np.nonzero(~on & was)
    closed = np.full(len(row), -1)
    closed[np.searchsorted(row, over) + np.arange(len(over)) - np.searchsorted(over, over)] = end
    silent = (begin < 0) & (closed < 0) & (newest[row] < 0)
    row, begin, closed = row[~silent], begin[~silent], closed[~silent]

    size, index = chunk.series.slot_s, at[row]
    old = begin < 0
    olds = [going[int(i)] for i in index[old]]
    onset, raised = np.full(len(row), -1, np.int64), chunk.lo + begin
    onset[old], raised[old] = [e.onset_s // size for e in olds], [e.raised_s // size for e in olds]
    end = chunk.lo + np.where(closed >= 0, closed - marks.back[index], newest[row]) + 1
    spans = Spans(index, onset, raised, np.maximum(end, raised + 1))
    return spans, np.where(closed >= 0, chunk.lo + closed, -1)


def _new(detector: Detector, made: Episode, chunk: Chunk, part: Touched, row: int, before: Before) -> Episode:
    """Say whose a new alarm is, and date its detection."""
    roster, site = chunk.roster, chunk.site[row]
    own = not detector.by_dma and made.meter_id >= 0
    account_no, dma = (str(roster.account_no[site]), "") if own else ("", str(roster.dma[site]))
    detected_s = _detected_s(made, chunk, part, row, before)
    return replace(made, detected_s=detected_s, account_no=account_no, dma=dma)


def _detected_s(made: Episode, chunk: Chunk, part: Touched, row: int, before: Before) -> int:
    """Return when the slot was known; when late data raised it, not before they came.

    An alarm that merely was decided anew keeps its date.
    """
    same = [
        old
        for old in before.get(made.meter_id, ())
        if old.onset_s <= made.last_s and made.onset_s <= old.last_s
    ]
    if same:
        return min(same, key=lambda old: abs(old.raised_s - made.raised_s)).detected_s
    slot = (made.raised_s // chunk.series.slot_s + 1) * chunk.series.factor - 1
    known_s, seen_s = max(made.detected_s, part.known(int(chunk.rows[row]), slot)), int(part.seen_s[row])
    return max(known_s, seen_s) if made.raised_s < seen_s else known_s


def _finite(value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not math.isfinite(value) else value
