"""A network as something to solve, and what a leak on each of its pipes does to sensors and sources.

It comes from the map's nodes and pipes alone, or from the utility's EPANET model, which also tells valves,
pumps, heads, roughness and who draws how much. Flows are solved by `kernels/hydraulics.py`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
import structlog
from numpy.typing import NDArray

from detection.kernels import hydraulics
from detection.kernels.hydraulics import Pipes
from detection.network import Network

log = structlog.get_logger(__name__)

Floats = NDArray[np.float64]
Index = NDArray[np.intp]

#: Hazen-Williams roughness of a pipe of which nothing is known: cast iron and asbestos cement in use.
ROUGHNESS = 120.0
DIAMETER_MM = 100.0
#: A network of more nodes is too large for matrices of nodes by nodes.
LARGEST = 3000
KPA_PER_M = 9.80665
#: Parts of a map without a source of their own are joined to the nearest part over at most this far.
_GAP_M = 50.0
#: Flow at which a model of EPANET is given, as m3/s.
_FLOW = {
    "CMH": 1 / 3600,
    "CMD": 1 / 86_400,
    "LPS": 1e-3,
    "LPM": 1e-3 / 60,
    "MLD": 1e3 / 86_400,
    "CMS": 1.0,
    "GPM": 6.30902e-5,
    "CFS": 0.0283168,
    "MGD": 0.0438126,
    "IMGD": 0.0526168,
    "AFD": 0.0142764,
}
_IMPERIAL = {"GPM", "CFS", "MGD", "IMGD", "AFD"}
_FEET = 0.3048


@dataclass(frozen=True, eq=False)
class Model:
    """Nodes and pipes by name; `weight` (nodes,) is how demand is shared out among the nodes."""

    nodes: tuple[str, ...]
    names: tuple[str, ...]
    pipes: Pipes
    length_m: Floats
    weight: Floats
    xy: Floats
    _known: dict[str, Floats] = field(default_factory=dict, repr=False)

    @property
    def usable(self) -> bool:
        """Whether there is something to solve, and it is not too large."""
        return len(self.names) > 0 and self.pipes.nodes <= LARGEST and len(self.pipes.fixed) > 0

    def find(self, names: Iterable[str]) -> Index:
        """Return the positions of nodes; -1 where one is not on the map."""
        seat = {name: i for i, name in enumerate(self.nodes)}
        return np.array([seat.get(name, -1) for name in names], np.intp)

    def between_pipes(self) -> Floats:
        """Return the way from the middle of each pipe to that of each other (pipes, pipes), metres."""
        if "between" not in self._known:
            far, a, b = hydraulics.distances(self.pipes, self.length_m), self.pipes.a, self.pipes.b
            ends = [far[np.ix_(x, y)] for x in (a, b) for y in (a, b)]
            way = np.minimum.reduce(ends) + (self.length_m[:, None] + self.length_m) / 2
            np.fill_diagonal(way, 0)
            self._known["between"] = way
        return self._known["between"]

    def weights(self, sensors: Index, others: Index) -> Floats:
        """Return each node's part of the demand of a district (nodes,); sums to 1 unless nobody draws.

        The district is what hangs together with any of its `sensors`, and what is fed from there by gates and
        has no sensor of `others`.
        """
        part = hydraulics.component(self.pipes)
        mine, theirs = set(part[sensors].tolist()), set(part[others].tolist())
        for _ in range(len(self.pipes.up)):
            for up, down in zip(self.pipes.up, self.pipes.down, strict=True):
                if part[up] in mine and part[down] not in theirs:
                    mine.add(int(part[down]))
        weight = np.where(np.isin(part, list(mine)), self.weight, 0.0)
        return np.asarray(weight / max(float(weight.sum()), 1e-12))

    def answers(self, demand_m3h: Floats, at: Index, sources: Index) -> Floats:
        """Return what 1 m3/h drawn at each node does (at + sources, nodes).

        To heads at the nodes `at`, kPa, and to what the nodes `sources` deliver, m3/h, around the steady flow
        for the demand (nodes,) given. A source that is none on the map delivers NaN.
        """
        part, seat = self._around(np.flatnonzero(demand_m3h), at)
        where = np.flatnonzero(seat >= 0)
        heads, shares = hydraulics.responses(part, hydraulics.solve(part, demand_m3h[where] / 3600))
        moved = np.zeros((len(at) + len(sources), self.pipes.nodes))
        moved[: len(at), where] = heads[seat[at]] * (KPA_PER_M / 3600)
        for k, node in enumerate(sources, len(at)):
            given = np.flatnonzero(part.fixed == (seat[node] if node >= 0 else -2)).tolist()
            moved[k, where] = shares[given[0]] if len(given) else np.nan
        return moved

    def _around(self, drawing: Index, at: Index) -> tuple[Pipes, Index]:
        """Return the parts any of the nodes belongs to or is fed from, and each node's seat there."""
        whole = self.pipes
        part = hydraulics.component(whole)
        kept = set(part[np.concatenate([drawing, at])].tolist())
        for _ in range(len(whole.up)):
            for up, down in zip(whole.up, whole.down, strict=True):
                if part[down] in kept:
                    kept.add(int(part[up]))
        inside = np.isin(part, list(kept))
        seat = np.where(inside, np.cumsum(inside) - 1, -1)
        pipe, fixed, gate = inside[whole.a], inside[whole.fixed], inside[whole.down] & inside[whole.up]
        return Pipes(
            seat[whole.a[pipe]],
            seat[whole.b[pipe]],
            whole.resistance[pipe],
            int(inside.sum()),
            seat[whole.fixed[fixed]],
            whole.head[fixed],
            seat[whole.up[gate]],
            seat[whole.down[gate]],
        ), seat

    def with_sources(self, nodes: Iterable[str]) -> "Model":
        """Return the network with these nodes as sources too, and the parts of it that have none joined.

        A map says nothing of valves between its parts: each part without a source is fed from the nearest
        node of every part that has one within 50 m.
        """
        at = self.find(nodes)
        at = np.setdiff1d(at[at >= 0], self.pipes.fixed)
        fixed = np.concatenate([self.pipes.fixed, at])
        level = float(self.pipes.head.max(initial=0.0))
        pipes = replace(self.pipes, fixed=fixed, head=np.append(self.pipes.head, np.full(len(at), level)))
        return replace(self, pipes=_join(pipes, self.xy), _known={})


@lru_cache(maxsize=2)
def model(network: Network) -> Model:
    """Return what there is to solve: the EPANET model where there is a readable one, else the map."""
    if network.inp:
        try:
            return of_inp(network.inp)
        except (ValueError, IndexError, KeyError) as fault:
            log.warning("network model not understood, the map is used", fault=str(fault))
    return of_map(network)


def of_map(network: Network) -> Model:
    """Return the model of a bare map: every pipe of common roughness, demand by length."""
    a, b = network.node1, network.node2
    length = _filled(network.length_m, 50.0)
    diameter = _filled(network.diameter_mm, DIAMETER_MM) / 1000
    nodes, nothing = len(network.node), np.zeros(0, np.intp)
    loss = hydraulics.resistance(length, diameter, np.full(len(a), ROUGHNESS))
    weight = np.asarray(np.bincount(a, length, nodes) + np.bincount(b, length, nodes), np.float64)
    return Model(
        tuple(network.node.tolist()),
        tuple(network.pipe.tolist()),
        Pipes(a, b, loss, nodes, nothing, np.zeros(0), nothing, nothing),
        length,
        weight,
        np.stack([network.x, network.y], axis=1),
    )


def of_inp(text: str) -> Model:
    """Return the network of an EPANET input file; raises ValueError where it cannot be read.

    Reservoirs and tanks are sources; valves that hold a pressure, and pumps, are gates; other valves are
    pipes that lose nothing. Of the demands, their base values count.
    """
    sections = _sections(text)
    options = {row[0].upper(): row[1].upper() for row in sections.get("OPTIONS", ()) if len(row) > 1}
    units = options.get("UNITS", "GPM")
    if units not in _FLOW:
        raise ValueError(f"flow unit {units} of the network model is not known")
    long, wide = (_FEET, 0.0254) if units in _IMPERIAL else (1.0, 1e-3)
    junctions = {row[0]: row for row in sections.get("JUNCTIONS", ())}
    sources = {row[0]: float(row[1]) * long for row in sections.get("RESERVOIRS", ())}
    for row in sections.get("TANKS", ()):
        sources[row[0]] = (float(row[1]) + float(row[2])) * long
    names = [*junctions, *sources]
    seat = {name: i for i, name in enumerate(names)}
    elevation = {n: float(row[1]) * long for n, row in junctions.items() if len(row) > 1}
    shut = {row[0] for row in sections.get("STATUS", ()) if len(row) > 1 and row[1].upper() == "CLOSED"}
    links = [
        row
        for row in sections.get("PIPES", ())
        if row[0] not in shut and not (len(row) > 7 and row[7].upper() == "CLOSED")
    ]
    gates = [
        (row[1], row[2], elevation.get(row[2], 0.0) + _setting(row) * long)
        for row in sections.get("VALVES", ())
        if row[4].upper() == "PRV" and row[2] not in sources
    ]
    gates += [
        (row[1], row[2], sources.get(row[2], 0.0))
        for row in sections.get("PUMPS", ())
        if row[2] not in sources
    ]
    plain = [row for row in sections.get("VALVES", ()) if row[4].upper() not in ("PRV", "PSV")]
    length = np.array([float(row[3]) * long for row in links] + [1.0] * len(plain))
    diameter = np.array([float(row[4]) * wide for row in links] + [float(row[3]) * wide for row in plain])
    rough = _filled([float(row[5]) for row in links] + [ROUGHNESS] * len(plain), ROUGHNESS)
    if options.get("HEADLOSS", "H-W") not in ("H-W", "HW"):
        rough = np.full(len(rough), ROUGHNESS)
    top = max(sources.values(), default=0.0)
    heads = {**sources, **{down: head or top for _, down, head in gates}}
    pipes = Pipes(
        np.array([seat[row[1]] for row in [*links, *plain]], np.intp),
        np.array([seat[row[2]] for row in [*links, *plain]], np.intp),
        hydraulics.resistance(length, diameter, rough),
        len(names),
        np.array([seat[n] for n in heads], np.intp),
        np.array(list(heads.values())),
        np.array([seat[up] for up, _, _ in gates], np.intp),
        np.array([seat[down] for _, down, _ in gates], np.intp),
    )
    weight = np.zeros(len(names))
    told = {row[0] for row in sections.get("DEMANDS", ())}
    for name, row in junctions.items():
        if name not in told and len(row) > 2:
            weight[seat[name]] += max(float(row[2]), 0.0)
    for row in sections.get("DEMANDS", ()):
        if row[0] in seat:
            weight[seat[row[0]]] += max(float(row[1]), 0.0)
    xy = np.full((len(names), 2), np.nan)
    for row in sections.get("COORDINATES", ()):
        if row[0] in seat:
            xy[seat[row[0]]] = float(row[1]), float(row[2])
    return Model(tuple(names), tuple(row[0] for row in [*links, *plain]), pipes, length, weight, xy)


def _sections(text: str) -> dict[str, list[list[str]]]:
    found: dict[str, list[list[str]]] = {}
    section = ""
    for line in text.splitlines():
        words = line.split(";")[0].split()
        if words and words[0].startswith("["):
            section = words[0].strip("[]").upper()
        elif words:
            found.setdefault(section, []).append(words)
    return found


def _setting(row: list[str]) -> float:
    return float(row[5])


def _filled(values: Sequence[float] | Floats, usual: float) -> Floats:
    got = np.array(values, float)
    return np.where(np.isfinite(got) & (got > 0), got, usual)


def _join(pipes: Pipes, xy: Floats) -> Pipes:
    up, down, head = list(pipes.up), list(pipes.down), float(pipes.head.max(initial=0.0))
    part = hydraulics.component(pipes)
    fed = set(part[pipes.fixed].tolist())
    fixed, heads = list(pipes.fixed), list(pipes.head)
    while True:
        new: list[tuple[int, int]] = []
        for one in sorted(set(part.tolist()) - fed):
            mine = np.flatnonzero(part == one)
            for other in sorted(fed):
                theirs = np.flatnonzero(part == other)
                way = np.hypot(*(xy[mine][:, None] - xy[theirs]).transpose(2, 0, 1))
                i, j = np.unravel_index(int(np.nanargmin(np.where(np.isnan(way), np.inf, way))), way.shape)
                if way[i, j] <= _GAP_M:
                    new.append((int(theirs[j]), int(mine[i])))
        if not new:
            break
        for above, below in new:
            if below not in fixed:
                up.append(above)
                down.append(below)
                fixed.append(below)
                heads.append(head)
        fed |= {int(part[below]) for _, below in new}
    return replace(
        pipes,
        fixed=np.array(fixed, np.intp),
        head=np.array(heads, float),
        up=np.array(up, np.intp),
        down=np.array(down, np.intp),
    )
