"""Flow in pipe networks: held against continuity, small differences and slow shortest ways."""

import heapq
import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from detection import hydraulic
from detection.kernels import hydraulics
from detection.kernels.hydraulics import Pipes
from detection.network import Network

NOTHING = np.zeros(0, np.intp)

INP = """
[JUNCTIONS]
;id elevation demand
 a 10 2
 b 10 3
 c  5
 d  5 4
[RESERVOIRS]
 R 60
[PIPES]
 p1 R a 100 200 120 0 Open
 p2 a b 100 150 120 0 Open ; a comment
 p3 c d 100 150 120 0 Open
 p4 b d 100 150 120 0 Closed
[VALVES]
 v b c 150 PRV 30 0
[DEMANDS]
 b 5
[OPTIONS]
 Units CMH
 Headloss H-W
[COORDINATES]
 a 0 0
[END]
"""


@st.composite
def networks(draw: st.DrawFn) -> tuple[Pipes, np.ndarray]:
    """A tree with some more pipes, one source, and what its nodes draw."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    nodes = draw(st.integers(3, 12))
    pairs = [(int(rng.integers(n)), n) for n in range(1, nodes)]
    more = [tuple(rng.choice(nodes, 2, replace=False)) for _ in range(draw(st.integers(0, 4)))]
    a, b = np.array([*pairs, *more], np.intp).T
    loss = rng.uniform(100, 5000, len(a))
    pipes = Pipes(a, b, loss, nodes, np.array([0], np.intp), np.array([50.0]), NOTHING, NOTHING)
    return pipes, np.append(0, rng.uniform(0.001, 0.01, nodes - 1))


def heads(pipes: Pipes, flow: np.ndarray) -> np.ndarray:
    """Walk from the source along the pipes and add up what is lost on the way."""
    found = {int(n): float(h) for n, h in zip(pipes.fixed, pipes.head, strict=True)}
    while len(found) < pipes.nodes:
        for a, b, r, q in zip(pipes.a, pipes.b, pipes.resistance, flow, strict=True):
            lost = r * abs(q) ** 1.852 * math.copysign(1, q)
            if a in found and b not in found:
                found[int(b)] = found[int(a)] - lost
            elif b in found and a not in found:
                found[int(a)] = found[int(b)] + lost
    return np.array([found[n] for n in range(pipes.nodes)])


@settings(max_examples=40, deadline=None)
@given(networks())
def test_flow_leaves_nothing_over_at_a_node_and_nothing_around_a_ring(made: tuple[Pipes, np.ndarray]) -> None:
    pipes, demand = made
    flow = hydraulics.solve(pipes, demand)
    for node in range(1, pipes.nodes):
        into = sum(q for b, q in zip(pipes.b, flow, strict=True) if b == node)
        out = sum(q for a, q in zip(pipes.a, flow, strict=True) if a == node)
        assert math.isclose(into - out, demand[node], rel_tol=1e-3, abs_tol=1e-6)
    head = heads(pipes, flow)
    lost = pipes.resistance * np.abs(flow) ** 1.852 * np.sign(flow)
    np.testing.assert_allclose(head[pipes.a] - head[pipes.b], lost, rtol=0.01, atol=0.01)


@settings(max_examples=20, deadline=None)
@given(networks(), st.data())
def test_heads_answer_as_a_little_more_demand_does(
    made: tuple[Pipes, np.ndarray], data: st.DataObject
) -> None:
    pipes, demand = made
    node = data.draw(st.integers(1, pipes.nodes - 1))
    flow = hydraulics.solve(pipes, demand)
    told, shares = hydraulics.responses(pipes, flow)
    more = demand.copy()
    more[node] += 1e-5
    slow = (heads(pipes, hydraulics.solve(pipes, more)) - heads(pipes, flow)) / 1e-5
    np.testing.assert_allclose(told[:, node], slow, rtol=0.1, atol=0.1 * abs(slow).max())
    np.testing.assert_allclose(shares[0], 1, atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(networks())
def test_distances_are_those_of_dijkstra(made: tuple[Pipes, np.ndarray]) -> None:
    pipes, _ = made
    length = np.round(pipes.resistance)
    way = {0: 0.0}
    queue, done = [(0.0, 0)], set()
    while queue:
        far, at = heapq.heappop(queue)
        if at in done:
            continue
        done.add(at)
        way[at] = far
        for a, b, m in zip(pipes.a, pipes.b, length, strict=True):
            for here, there in ((a, b), (b, a)):
                if here == at and there not in done:
                    heapq.heappush(queue, (far + m, int(there)))
    np.testing.assert_allclose(hydraulics.distances(pipes, length)[0], [way[n] for n in range(pipes.nodes)])


def test_model_knows_sources_gates_demand_and_what_is_shut() -> None:
    read = hydraulic.of_inp(INP)
    assert read.names == ("p1", "p2", "p3")
    assert [read.nodes[n] for n in read.pipes.fixed] == ["R", "c"]
    assert read.pipes.head.tolist() == [60, 35]
    assert [(read.nodes[u], read.nodes[d]) for u, d in zip(read.pipes.up, read.pipes.down, strict=True)] == [
        ("b", "c")
    ]
    assert read.weight.tolist() == [2, 5, 0, 4, 0]
    moved = read.answers(read.weight, read.find("d"), read.find("R"))
    seat = read.find("abcd")
    assert (moved[0, seat[:2]] == 0).all()
    assert moved[0, seat[3]] < moved[0, seat[2]] == 0
    np.testing.assert_allclose(moved[1, seat], 1)


def test_a_gate_passes_on_what_is_drawn_behind_it() -> None:
    read = hydraulic.of_inp(INP)
    flow = hydraulics.solve(read.pipes, read.weight / 3600) * 3600
    np.testing.assert_allclose(flow, [11, 9, 4], rtol=1e-3)
    moved = read.answers(read.weight, read.find("b"), NOTHING)[0]
    assert moved[read.find("d")[0]] == moved[read.find("b")[0]] < 0


def test_a_model_that_cannot_be_read_leaves_the_map() -> None:
    nodes = [("a", 0.0, 0.0, 0.0), ("b", 0.0, 50.0, 0.0), ("c", 0.0, 80.0, 0.0), ("d", 0.0, 130.0, 0.0)]
    pipes = [("p1", "a", "b", 50.0, 100.0), ("p2", "c", "d", 50.0, math.nan)]
    made = hydraulic.model(Network.of(nodes, pipes, "[OPTIONS]\nUnits FURLONGS\n"))
    assert made.names == ("p1", "p2")
    assert not made.usable
    sourced = made.with_sources(["a", "nowhere"])
    assert [made.nodes[n] for n in sourced.pipes.fixed] == ["a", "c"]
    assert [made.nodes[n] for n in sourced.pipes.up] == ["b"]
    assert sourced.usable
    assert sourced.between_pipes()[0].tolist() == [0, math.inf]
