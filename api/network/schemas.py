"""What the API says about the network's map."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.fields import Name


class NetworkFilter(BaseModel):
    """Which meters are shown on the map."""

    model_config = ConfigDict(extra="forbid")

    dma: Name | None = Field(None, description="Only meters in or around this DMA; the map stays whole.")


class Node(BaseModel):
    """A junction, tank or source; x and y in the utility's own coordinates."""

    node: str
    elevation_m: float | None
    x: float
    y: float


class Pipe(BaseModel):
    """A pipe between two nodes."""

    pipe: str
    node1: str
    node2: str
    length_m: float | None
    diameter_mm: float | None


class ZoneMeter(BaseModel):
    """A meter around a DMA, or a pressure sensor; customers' meters are left out."""

    meter: str
    kind: Literal["dma_inlet", "dma_outlet", "pressure", "storage"]
    dma: str | None
    from_dma: str | None
    node: str | None
    x: float | None = Field(description="Its own place, or its node's.")
    y: float | None
    service_min_kpa: float | None
    pressure_kpa: float | None = Field(description="Latest of the last day; null: none, or no sensor.")
    measured_at: datetime | None


class Extent(BaseModel):
    """The rectangle around what is known to lie in the DMA that was asked for."""

    left: float
    bottom: float
    right: float
    top: float


class Network(BaseModel):
    """The map."""

    revision: int = Field(description="Rises with every change of nodes, pipes or the hydraulic model.")
    nodes: list[Node] = Field(description="Those that have a place.")
    pipes: list[Pipe]
    meters: list[ZoneMeter]
    extent: Extent | None = Field(description="Null: no DMA was asked for, or nothing in it has a place.")


NETWORK: dict[str, Any] = {
    "revision": 3,
    "nodes": [
        {"node": "n1", "elevation_m": 73.2, "x": 138.22, "y": 1549.64},
        {"node": "n2", "elevation_m": 73.9, "x": 274.23, "y": 1504.56},
    ],
    "pipes": [{"pipe": "p1", "node1": "n1", "node2": "n2", "length_m": 143.3, "diameter_mm": 200.0}],
    "meters": [
        {
            "meter": "P-118",
            "kind": "pressure",
            "dma": "JC-BJ3",
            "from_dma": None,
            "node": "n2",
            "x": 274.23,
            "y": 1504.56,
            "service_min_kpa": 140.0,
            "pressure_kpa": 312.4,
            "measured_at": "2026-11-21T08:55:00Z",
        }
    ],
    "extent": {"left": 138.22, "bottom": 1504.56, "right": 274.23, "top": 1549.64},
}
