"""What a leak on each pipe of a district moves: pressures, and how its inflow is split among the inlets."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detection.hydraulic import Model
from detection.kernels.main_burst import EXPONENT

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Index = NDArray[np.intp]

#: Flows, as parts of the usual, at which the network is solved.
LEVELS = (0.4, 0.7, 1.0, 1.3)
#: A sensor sees a pipe on which 1 m3/h moves it by as much, kPa.
_SEEN_KPA = 1e-3


@dataclass(frozen=True)
class Place:
    """A district on the map: nodes of its sensors (-1: not on it), of inlets and outlets, of other sensors.

    `stores` are the nodes of its storage.
    """

    sensors: Sequence[str]
    inlets: Sequence[str]
    outlets: Sequence[str]
    stores: Sequence[str]
    others: Sequence[str]


@dataclass(frozen=True)
class Answers:
    """What 1 m3/h moves, on each pipe (levels, sensors + inlets, pipes), and spread over all (.., 1).

    Sensors that are not on the map, and inlets that are no sources of it, are NaN.
    """

    moved: Floats
    even: Floats
    seen: Bools


def answers(model: Model, place: Place, usual_m3h: float, passed_m3h: float) -> Answers | None:
    """Return the answers of a district at `LEVELS` of its usual flow; None where the map does not show it.

    `usual_m3h` stays in the district and `passed_m3h` leaves it at its outlets.
    """
    net = _sourced(model, place)
    sensors = net.find(place.sensors)
    on_map = sensors >= 0
    if not net.usable or not on_map.any():
        return None
    others = net.find(place.others)
    weight = net.weights(sensors[on_map], others[others >= 0])
    if weight.sum() <= 0:
        return None
    outlets = net.find(place.outlets)
    outlets = outlets[outlets >= 0]
    inlets = net.find(place.inlets)
    found, even, reach = [], [], []
    for level in LEVELS:
        demand = weight * usual_m3h * level
        np.add.at(demand, outlets, passed_m3h * level / max(len(outlets), 1))
        by_node = net.answers(demand, sensors[on_map], inlets)
        pipes = (by_node[:, net.pipes.a] + by_node[:, net.pipes.b]) / 2
        found.append(pipes)
        even.append((by_node @ weight)[:, None])
        reach.append(np.abs(pipes[: int(on_map.sum())]).max(axis=0))
    rows = np.concatenate([on_map, np.ones(len(inlets), bool)])
    return Answers(_spread(found, rows), _spread(even, rows), np.max(reach, axis=0) > _SEEN_KPA)


def signature(found: Answers, flow: Floats, weight: Floats, usual: float, *, beyond: bool) -> Floats:
    """Return the amplitude of 1 m3/h over hours of a given flow, as `Sums.mean` sees it (channels, pipes).

        sum_t w(t) s(flow(t)) / sum_t w(t)^2, with s straight between the levels

    `beyond` the same spread over everybody: what is left where pressures are judged by the inflow.

    Parameters
    ----------
    flow, weight : (hours,) flow and weight of hours that stand for all; NaN is left out
    usual : the flow of level 1
    """
    part = np.clip(flow / usual, LEVELS[0], LEVELS[-1])
    known = ~np.isnan(part) & ~np.isnan(weight)
    shares = np.stack([np.interp(part[known], LEVELS, np.eye(len(LEVELS))[k]) for k in range(len(LEVELS))])
    each = shares @ weight[known] / max(float((weight[known] ** 2).sum()), 1e-9)
    return np.asarray(np.tensordot(each, found.moved - found.even if beyond else found.moved, 1))


def weights(flow: Floats, usual: float) -> Floats:
    """Return how strongly each hour answers to a leak: (flow / usual) ** 0.852, at least a tenth of usual."""
    return np.asarray((np.maximum(flow, usual / 10) / usual) ** (EXPONENT - 1))


def _sourced(model: Model, place: Place) -> Model:
    """Return the model; where it is a bare map, with the district's inlets and storage as its sources."""
    if len(model.pipes.fixed):
        return model
    return model.with_sources(place.stores if len(place.stores) else place.inlets)


def _spread(levels: Sequence[Floats], rows: Bools) -> Floats:
    """Return the levels as one array with rows of NaN between theirs."""
    full = np.full((len(levels), len(rows), levels[0].shape[1]), np.nan)
    full[:, rows] = np.stack(levels)
    return full
