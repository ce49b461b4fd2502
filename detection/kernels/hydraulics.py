"""Steady flow in a pipe network, and how heads answer to a leak."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Index = NDArray[np.intp]

#: Exponent of the Hazen-Williams formula.
EXPONENT = 1.852
#: Flows below this are taken as this, so that still pipes conduct, m3/s.
_STILL = 2e-5
_ROUNDS = 60


@dataclass(frozen=True)
class Pipes:
    """A network: (pipes,) end nodes and resistance, nodes of fixed head, and gates.

    The loss of head along a pipe is resistance * flow ** 1.852, metres and m3/s. A gate (valve that holds the
    pressure behind it, pump) keeps its lower node `down` at a fixed head and takes what flows there from its
    upper node `up`; its lower node is one of `fixed`.
    """

    a: Index
    b: Index
    resistance: Floats
    nodes: int
    fixed: Index
    head: Floats
    up: Index
    down: Index


def resistance(length_m: Floats, diameter_m: Floats, roughness: Floats) -> Floats:
    """Return the resistance of pipes by Hazen-Williams, in metres for m3/s.

        10.667 * length / (roughness ** 1.852 * diameter ** 4.871)

    Source: EPANET 2.2 User Manual, table 3.1.

    >>> round(float(resistance(np.array([100.0]), np.array([0.1]), np.array([130.0]))[0]))
    9639
    """
    return np.asarray(10.667 * length_m / (roughness**EXPONENT * diameter_m**4.871))


def solve(pipes: Pipes, demand: Floats) -> Floats:
    """Return the flow of every pipe, m3/s, positive from `a` to `b`; nodes without a source draw nothing.

    Newton's method on the nodes' heads (the global gradient algorithm: Todini and Pilati, 1987); what a gate
    passes on is added to the demand of its upper node as it goes.

    Parameters
    ----------
    demand : (nodes,) m3/s

    Examples
    --------
    >>> ring = Pipes(np.array([0, 0, 1]), np.array([1, 2, 2]), np.full(3, 1000.0), 3, np.array([0]),
    ...              np.array([50.0]), np.array([], int), np.array([], int))
    >>> solve(ring, np.array([0, 0.01, 0.01])).round(4).tolist()
    [0.01, 0.01, 0.0]
    """
    free = _free(pipes)
    seat = np.full(pipes.nodes, -1)
    seat[free] = np.arange(len(free))
    head = np.zeros(pipes.nodes)
    head[pipes.fixed] = pipes.head
    lit = (seat[pipes.a] >= 0) | (seat[pipes.b] >= 0)
    flow = np.where(lit, 0.005, 0.0)
    for _ in range(_ROUNDS):
        conductance = _conductance(pipes, flow) * lit
        kept = (1 - 1 / EXPONENT) * flow
        drawn = demand.copy()
        np.add.at(drawn, pipes.up, -_balance(pipes, flow)[pipes.down])
        known = np.zeros(pipes.nodes)
        known[pipes.fixed] = head[pipes.fixed]
        carried = kept + conductance * (known[pipes.a] - known[pipes.b])
        wanted = -drawn + _balance(pipes, carried)
        head[free] = np.linalg.solve(_laplacian(pipes, conductance)[np.ix_(free, free)], wanted[free])
        new = kept + conductance * (head[pipes.a] - head[pipes.b])
        moved = np.abs(new - flow).sum()
        flow = new
        if moved <= 1e-4 * np.abs(flow).sum():
            break
    return flow


def responses(pipes: Pipes, flow: Floats) -> tuple[Floats, Floats]:
    """Return how heads and sources answer to a small leak at each node, around the flows given.

    The steady state's derivative: with conductances 1 / (1.852 * resistance * |flow| ** 0.852) the heads
    answer by minus the inverse of the network's Laplacian. What a gate passes on acts at its upper node too.

    Returns
    -------
    heads : (nodes, nodes) metres at the first for 1 m3/s drawn at the second, mostly negative
    shares : (fixed, nodes) part of it that each fixed node delivers

    Notes
    -----
    Pudar and Liggett, 1992 (sensitivity of heads to leaks).

    Examples
    --------
    >>> line = Pipes(np.array([0, 1]), np.array([1, 2]), np.full(2, 1000.0), 3, np.array([0]),
    ...              np.array([50.0]), np.array([], int), np.array([], int))
    >>> heads, shares = responses(line, np.array([0.01, 0.01]))
    >>> heads.round(1).tolist(), shares.tolist()
    ([[0.0, 0.0, 0.0], [0.0, -36.6, -36.6], [0.0, -36.6, -73.2]], [[1.0, 1.0, 1.0]])
    """
    free = _free(pipes)
    laplacian = _laplacian(pipes, _conductance(pipes, flow))
    heads = np.zeros((pipes.nodes, pipes.nodes))
    heads[np.ix_(free, free)] = -np.linalg.inv(laplacian[np.ix_(free, free)])
    shares = laplacian[pipes.fixed] @ heads
    shares[np.arange(len(pipes.fixed)), pipes.fixed] += 1
    if len(pipes.up):
        gate = np.array([int(np.flatnonzero(pipes.fixed == d)[0]) for d in pipes.down])
        through = shares[gate]
        passed = np.linalg.solve(np.eye(len(gate)) - through[:, pipes.up], through)
        heads = heads + heads[:, pipes.up] @ passed
        shares = shares + shares[:, pipes.up] @ passed
    return heads, shares


def component(pipes: Pipes) -> Index:
    """Return a number of each node's connected part (gates do not connect).

    >>> pair = Pipes(np.array([0]), np.array([1]), np.ones(1), 3, np.array([0]), np.zeros(1),
    ...              np.array([], int), np.array([], int))
    >>> component(pair).tolist()
    [0, 0, 2]
    """
    part = np.arange(pipes.nodes)
    while True:
        low = np.minimum(part[pipes.a], part[pipes.b])
        new = part.copy()
        np.minimum.at(new, pipes.a, low)
        np.minimum.at(new, pipes.b, low)
        new = new[new]
        if (new == part).all():
            return np.asarray(part, np.intp)
        part = new


def distances(pipes: Pipes, length_m: Floats) -> Floats:
    """Return the shortest way along the pipes between every two nodes (nodes, nodes), metres.

    Floyd and Warshall's algorithm; infinity where there is no way.

    >>> line = Pipes(np.array([0, 1]), np.array([1, 2]), np.ones(2), 3, np.array([0]), np.zeros(1),
    ...              np.array([], int), np.array([], int))
    >>> distances(line, np.array([10.0, 5.0]))[0].tolist()
    [0.0, 10.0, 15.0]
    """
    far = np.full((pipes.nodes, pipes.nodes), np.inf, np.float32)
    np.fill_diagonal(far, 0)
    np.minimum.at(far, (pipes.a, pipes.b), length_m.astype(np.float32))
    far = np.minimum(far, far.T)
    for k in range(pipes.nodes):
        np.minimum(far, far[:, k, None] + far[k], out=far)
    return far.astype(np.float64)


def _free(pipes: Pipes) -> Index:
    """Return the nodes whose head is sought: those that hang together with one of fixed head."""
    part = component(pipes)
    fed = np.isin(part, part[pipes.fixed])
    fed[pipes.fixed] = False
    return np.flatnonzero(fed)


def _conductance(pipes: Pipes, flow: Floats) -> Floats:
    steep = EXPONENT * pipes.resistance * np.maximum(np.abs(flow), _STILL) ** (EXPONENT - 1)
    return np.asarray(1 / steep)


def _laplacian(pipes: Pipes, conductance: Floats) -> Floats:
    made = np.zeros((pipes.nodes, pipes.nodes))
    for rows, columns, sign in (
        (pipes.a, pipes.a, 1),
        (pipes.b, pipes.b, 1),
        (pipes.a, pipes.b, -1),
        (pipes.b, pipes.a, -1),
    ):
        np.add.at(made, (rows, columns), sign * conductance)
    return made


def _balance(pipes: Pipes, flow: Floats) -> Floats:
    """Return what flows into each node less what flows out of it."""
    into = np.bincount(pipes.b, flow, pipes.nodes) - np.bincount(pipes.a, flow, pipes.nodes)
    return np.asarray(into)
