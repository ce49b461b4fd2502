"""Policies: which detector runs where, and with which parameters.

Later scopes override earlier ones, parameter by parameter: default < sector < segment < DMA < customer <
meter; within a scope the newer policy (higher id) wins. A policy that is not enabled, or that is an
exemption, switches the detector off for its scope while it is valid.
"""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import BadDataError
from core.words import Scope, Sector, Segment
from detection.detector import Detector
from detection.roster import Roster

_RANK = {scope: rank for rank, scope in enumerate(Scope)}
_NEVER, _ALWAYS = -(2**62), 2**62


@dataclass(frozen=True)
class Policy:
    """One row of `detector_policy`; validity in seconds since 1970, until is exclusive."""

    id: int
    detector: str
    scope: str = "default"
    scope_key: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    enabled: bool = True
    valid_from_s: int = _NEVER
    valid_until_s: int = _ALWAYS
    exemption: str | None = None


@dataclass(frozen=True)
class Resolved:
    """A detector's settings for every meter of a roster: whether it runs, and its parameters."""

    enabled: NDArray[np.bool_]
    params: dict[str, NDArray[np.float32]]


def check(policy: Policy, detectors: Mapping[str, Detector]) -> None:
    """Refuse a policy for an unknown detector, scope or parameter, or with a value that isn't allowed."""
    where = f"Policy {policy.id}"
    if policy.detector not in detectors:
        raise BadDataError(f"{where}: there is no detector {policy.detector!r}.", cure=_one_of(detectors))
    keys: dict[str, tuple[str, ...]] = {Scope.SECTOR: tuple(Sector), Scope.SEGMENT: tuple(Segment)}
    if policy.scope not in _RANK:
        raise BadDataError(f"{where}: there is no scope {policy.scope!r}.", cure=_one_of(_RANK))
    if policy.scope in keys and policy.scope_key not in keys[policy.scope]:
        raise BadDataError(
            f"{where}: there is no {policy.scope} {policy.scope_key!r}.", cure=_one_of(keys[policy.scope])
        )
    known = {p.name: p for p in detectors[policy.detector].params}
    for name, value in policy.params.items():
        if name not in known:
            raise BadDataError(f"{where}: {policy.detector} has no parameter {name!r}.", cure=_one_of(known))
        param = known[name]
        number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not number or not param.low <= value <= param.high:
            raise BadDataError(
                f"{where}: {policy.detector}.{name} can't be {value!r}.",
                cure=f"Give a number of {param.unit} from {param.low:g} to {param.high:g}.",
            )


def _one_of(names: Any) -> str:
    return "Known: " + ", ".join(sorted(str(n) for n in names)) + "."


class Policies:
    """All policies, resolved for one roster; constant between two `edges`.

    Validity is rounded down to whole hours, so that a slot has one policy.
    """

    def __init__(self, policies: Sequence[Policy], detectors: Mapping[str, Detector], roster: Roster) -> None:
        for policy in policies:
            check(policy, detectors)
        self._detectors = detectors
        self._roster = roster
        self._policies = sorted(policies, key=lambda p: (_RANK[Scope(p.scope)], p.id))
        hours = {_hour(t) for p in policies for t in (p.valid_from_s, p.valid_until_s)}
        self.edges = sorted(hours - {_hour(_NEVER), _hour(_ALWAYS)})
        self._resolved: dict[tuple[str, int], Resolved] = {}

    def at(self, detector: str, ts_s: int) -> Resolved:
        """Return a detector's settings for every meter at an instant."""
        span = bisect_right(self.edges, ts_s)
        key = (detector, span)
        if key not in self._resolved:
            self._resolved[key] = self._resolve(self._detectors[detector], ts_s)
        return self._resolved[key]

    def _resolve(self, detector: Detector, ts_s: int) -> Resolved:
        roster = self._roster
        enabled = detector.applies(roster)
        params = {p.name: np.full(len(roster), p.default, np.float32) for p in detector.params}
        for param in detector.params:
            for site_class, value in param.by_class.items():
                params[param.name][roster.site_class == site_class] = value
        on = np.ones(len(roster), bool)
        for policy in self._policies:
            if policy.detector != detector.name or not _hour(policy.valid_from_s) <= ts_s < _hour(
                policy.valid_until_s
            ):
                continue
            covered = covers(policy, roster)
            for name, value in policy.params.items():
                params[name][covered] = value
            on[covered] = policy.enabled and policy.exemption is None
        return Resolved(enabled & on, params)


def covers(policy: Policy, roster: Roster) -> NDArray[np.bool_]:
    """Return which sites of a roster lie in the scope of a policy."""
    if policy.scope == Scope.DEFAULT:
        return np.ones(len(roster), bool)
    column = {
        Scope.SECTOR: roster.sector,
        Scope.SEGMENT: roster.segment,
        Scope.DMA: roster.dma,
        Scope.CUSTOMER: roster.account_no,
        Scope.METER: roster.serial,
    }[Scope(policy.scope)]
    return np.asarray(column == policy.scope_key)


def _hour(ts_s: int) -> int:
    return ts_s // 3600 * 3600
