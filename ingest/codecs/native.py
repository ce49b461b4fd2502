"""Headwater's own JSON: one reading, a list of readings, or columns with a start and a step.

Strict: a truth value or a text is no number, a field that the contract doesn't name is refused. JSON has no
NaN and no infinity; where a payload has them nevertheless, those readings are refused and the rest is taken.
"""

import json
import operator
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from core.words import Reason, for_readers
from ingest import timestamps
from ingest.checks import TIME_CURE
from ingest.draft import VALUES, Draft, Point, RefusedError

_T = TypeVar("_T")

MAX_STEP_S = 31 * 86_400
"""Longest step of a series: a meter that reports once a month."""


class _Reading(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    ts: str
    register_l: float | None = None
    flow_lph: float | None = None
    pressure_kpa: float | None = None
    temperature_c: float | None = None
    battery_v: float | None = None
    flags: list[str] | None = None


class _Object(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A reading or a series; which, is seen by `start`."""

    ts: str | None = None
    register_l: float | list[float | None] | None = None
    flow_lph: float | list[float | None] | None = None
    pressure_kpa: float | list[float | None] | None = None
    temperature_c: float | list[float | None] | None = None
    battery_v: float | list[float | None] | None = None
    flags: list[str | list[str] | None] | None = None
    meter: str | None = None
    start: str | None = None
    step_s: int | None = None


_as_point = msgspec.structs.astuple
_object_point = operator.attrgetter("ts", *VALUES, "flags")
_decode_object = msgspec.json.Decoder(_Object).decode
_decode_list = msgspec.json.Decoder(list[_Reading]).decode
_decode_raw_list = msgspec.json.Decoder(list[msgspec.Raw]).decode


class Native:
    """The codec `native`."""

    def decode(self, meter: str, payload: bytes, draft: Draft) -> None:
        """Add the readings of `payload`; see `ingest.codecs.Codec`."""
        try:
            if payload[:1] == b"[":
                points = [_as_point(r) for r in _decode_list(payload)]
                _take_list(points, draft)
            else:
                _take_object(meter, _decode_object(payload), draft)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            _decode_slowly(meter, payload, draft)

    def excerpt(self, payload: bytes, positions: Sequence[int]) -> bytes:
        """Return the readings at `positions` as a list; see `ingest.codecs.Codec`."""
        try:
            raw = _decode_raw_list(payload)
        except (msgspec.DecodeError, RecursionError):
            content = json.loads(payload)
        else:
            return b"[" + b",".join(bytes(raw[i]) for i in positions) + b"]"
        if isinstance(content, list):
            return json.dumps([content[i] for i in positions]).encode()
        if "start" not in content:
            return payload
        start, step = timestamps.parse_one(content["start"]), int(content["step_s"]) * 1_000_000
        columns = {k: v for k, v in content.items() if isinstance(v, list)}
        rows = [
            {"ts": timestamps.text(start + i * step)}
            | {name: column[i] for name, column in columns.items() if column[i] is not None}
            for i in positions
        ]
        return json.dumps(rows).encode()


def _take_list(points: Sequence[Point], draft: Draft) -> None:
    if not points:
        raise RefusedError(Reason.MALFORMED, "The list is empty.", cure="Send at least one reading.")
    draft.points(points)


def _take_object(meter: str, found: _Object, draft: Draft) -> None:
    if found.meter is not None and found.meter != meter:
        raise RefusedError(
            Reason.WRONG_METER,
            f"The payload is of meter {found.meter!r}, the topic of {meter!r}.",
            cure="Publish on the meter's own topic.",
        )
    if found.start is not None or found.step_s is not None:
        _take_series(found, draft)
    elif found.ts is None:
        raise RefusedError(
            Reason.MALFORMED,
            "The object has neither `ts` nor `start`.",
            cure="Give the time of the reading in `ts`, or `start` and `step_s` of a series.",
        )
    else:
        point = _object_point(found)
        for column in point:
            if column.__class__ is list and column is not found.flags:
                raise RefusedError(
                    Reason.MALFORMED, "`ts` goes with numbers, lists with `start` and `step_s`."
                )
        if found.flags and not all(isinstance(flag, str) for flag in found.flags):
            raise RefusedError(Reason.MALFORMED, "`flags` of a reading is a list of names.")
        draft.points((point,))


def _take_series(found: _Object, draft: Draft) -> None:
    if found.start is None or found.step_s is None or found.ts is not None:
        raise RefusedError(Reason.MALFORMED, "A series has `start` and `step_s`, and no `ts`.")
    start = timestamps.parse_one(found.start)
    if start == timestamps.NOT_A_TIME:
        raise RefusedError(Reason.MALFORMED, f"`start` is {found.start!r}.", cure=TIME_CURE)
    if not 1 <= found.step_s <= MAX_STEP_S:
        raise RefusedError(Reason.MALFORMED, f"`step_s` is {found.step_s}, not 1 to {MAX_STEP_S}.")
    values: dict[str, list[float | None]] = {}
    for name in VALUES:
        column = getattr(found, name)
        if column is not None:
            if not isinstance(column, list):
                raise RefusedError(Reason.MALFORMED, f"`{name}` of a series is a list.")
            values[name] = column
    lengths = {name: len(column) for name, column in values.items()}
    if found.flags is not None:
        if any(isinstance(flag, str) for flag in found.flags):
            raise RefusedError(Reason.MALFORMED, "`flags` of a series is a list of lists of names.")
        lengths["flags"] = len(found.flags)
    if len(set(lengths.values())) != 1 or 0 in lengths.values():
        told = ", ".join(f"{name} {n}" for name, n in lengths.items()) or "none"
        raise RefusedError(
            Reason.MALFORMED,
            f"The columns of a series are lists of one length, at least 1; found: {told}.",
            cure="Put null where a slot has no value.",
        )
    n = next(iter(lengths.values()))
    draft.series(start, found.step_s * 1_000_000, n, values, found.flags)


def _decode_slowly(meter: str, payload: bytes, draft: Draft) -> None:
    """Take what is good of a payload that isn't good as a whole, or refuse it with the reason."""
    content = _parse(payload)
    if isinstance(content, dict):
        _take_object(meter, _convert(content, _Object), draft)
    elif isinstance(content, list):
        _take_list_slowly(meter, content, draft)
    else:
        raise RefusedError(Reason.MALFORMED, f"The payload is {_told(content)}, not an object or a list.")


def _take_list_slowly(meter: str, content: list[Any], draft: Draft) -> None:
    if not content:
        _take_list([], draft)
    points: list[Point] = []
    positions: list[int] = []
    refused: dict[Reason, list[int]] = {}
    details: dict[Reason, str] = {}
    for i, item in enumerate(content):
        try:
            if isinstance(item, dict) and "meter" in item:
                if item["meter"] != meter:
                    raise RefusedError(
                        Reason.WRONG_METER,
                        f"It is of meter {_told(item['meter'])}, the topic of {meter!r}.",
                        cure="Publish on the meter's own topic.",
                    )
                item = {key: value for key, value in item.items() if key != "meter"}  # noqa: PLW2901
            points.append(_as_point(_convert(item, _Reading)))
            positions.append(i)
        except RefusedError as problem:
            refused.setdefault(problem.reason, []).append(i)
            details.setdefault(problem.reason, for_readers(f"Number {i + 1}: {problem}"))
    for reason, which in refused.items():
        draft.refuse(reason, details[reason], which)
    if points:
        draft.points(points, positions)


def _convert(content: object, kind: type[_T]) -> _T:
    try:
        return msgspec.convert(content, kind, strict=True)
    except msgspec.ValidationError as problem:
        if "unknown field" in str(problem):
            raise RefusedError(
                Reason.UNSUPPORTED,
                f"{problem}.",
                cure="Name values as docs/topics.md does, with their units, or leave the field out.",
            ) from None
        reason = Reason.BAD_VALUE if "out of range" in str(problem) else Reason.MALFORMED
        raise RefusedError(reason, f"{problem}.", cure="See docs/topics.md.") from None


def _parse(payload: bytes) -> Any:
    """Return the JSON content; NaN, infinities and numbers out of range come as infinities."""
    try:
        return msgspec.json.decode(payload)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as problem:
        first = problem
    try:
        return json.loads(payload.decode(), parse_constant=_constant)
    except UnicodeDecodeError as problem:
        raise RefusedError(
            Reason.MALFORMED,
            f"Not UTF-8: byte {payload[problem.start]:#04x} at {problem.start}.",
            cure="Send JSON in UTF-8; binary payloads need a topic with a codec for them.",
        ) from None
    except RecursionError:
        raise RefusedError(Reason.MALFORMED, "Nested too deeply.", cure="See docs/topics.md.") from None
    except ValueError:
        told = str(first) if payload.strip() else "The payload is empty"
        raise RefusedError(Reason.MALFORMED, f"Not JSON: {told}.", cure="See docs/topics.md.") from None


_CONSTANTS: Mapping[str, float] = {"-Infinity": -float("inf")}


def _constant(name: str) -> float:
    # A NaN must not be taken for a value that is missing.
    return _CONSTANTS.get(name, float("inf"))


def _told(content: object) -> str:
    shown = repr(content)
    return shown if len(shown) <= 80 else f"{shown[:80]}..."
