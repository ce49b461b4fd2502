"""The network's map, as columns: nodes, the pipes between them, and the utility's hydraulic model."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: name, elevation (m), x, y of a node; unknown numbers are NaN
NodeRow = tuple[str, float, float, float]
#: name, its two nodes, length (m), diameter (mm) of a pipe; unknown numbers are NaN
PipeRow = tuple[str, str, str, float, float]


@dataclass(frozen=True, eq=False)
class Network:
    """Nodes and pipes in the order of their names; `node1` and `node2` are positions in `node`.

    `inp` is the text of the utility's EPANET model, empty where it has none. Equal `revision`s mean that
    nothing has changed, so what is worked out from a network may be kept by it.
    """

    node: NDArray[np.str_]
    elevation_m: NDArray[np.float64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    pipe: NDArray[np.str_]
    node1: NDArray[np.intp]
    node2: NDArray[np.intp]
    length_m: NDArray[np.float64]
    diameter_mm: NDArray[np.float64]
    inp: str = ""
    revision: int = 0

    @classmethod
    def of(
        cls, nodes: Sequence[NodeRow], pipes: Sequence[PipeRow], inp: str = "", revision: int = 0
    ) -> "Network":
        """Build the columns; a node that only pipes name is there without a place.

        >>> made = Network.of([("b", 5.0, 0.0, 0.0)], [("p1", "b", "a", 100.0, 80.0)])
        >>> made.node.tolist(), made.node1.tolist(), made.node2.tolist()
        (['a', 'b'], [1], [0])
        """
        known = {row[0]: row for row in nodes}
        nan = float("nan")
        for row in pipes:
            for name in row[1:3]:
                known.setdefault(name, (name, nan, nan, nan))
        names = sorted(known)
        at = {name: n for n, name in enumerate(names)}
        laid = sorted(pipes)
        places = np.array([known[name][1:] for name in names], np.float64).reshape(-1, 3)
        sizes = np.array([row[3:] for row in laid], np.float64).reshape(-1, 2)
        return cls(
            node=np.array(names, np.str_),
            elevation_m=places[:, 0],
            x=places[:, 1],
            y=places[:, 2],
            pipe=np.array([row[0] for row in laid], np.str_),
            node1=np.array([at[row[1]] for row in laid], np.intp),
            node2=np.array([at[row[2]] for row in laid], np.intp),
            length_m=sizes[:, 0],
            diameter_mm=sizes[:, 1],
            inp=inp,
            revision=revision,
        )
