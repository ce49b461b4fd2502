"""Who is measured: the meters with what the detectors need to know of them, as columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.words import MeterKind
from detection.network import Network

#: Water plans, m3: by account and local month, `2026-11`; the month "" is every one that has none of its own.
Plans = Mapping[tuple[str, str], float]
#: Kind of the site that stands for a DMA as a whole (`district`).
DMA = "dma"


@dataclass(frozen=True)
class Site:
    """One meter and where it sits; empty text and NaN mean unknown.

    Of a DMA: its night window (local minutes of the day), connections and mains length; of a meter: place,
    node of the network's map, and the DMA a transfer meter takes from.
    """

    meter_id: int
    serial: str
    kind: str = "customer"
    interval_s: int = 3600
    dma_id: int = -1
    dma: str = ""
    account_no: str = ""
    sector: str = "residential"
    segment: str = "general"
    dwellings: int = 1
    shifts: str = ""
    point_id: int = -1
    q3_lph: float = float("nan")
    resolution_l: float = float("nan")
    register_modulus_l: float = float("nan")
    min_pressure_kpa: float = float("nan")
    price_m3: float = 0.0
    from_dma_id: int = -1
    x: float = float("nan")
    y: float = float("nan")
    elevation_m: float = float("nan")
    node: str = ""
    night_start_min: int = 120
    night_end_min: int = 240
    connections: float = float("nan")
    mains_km: float = float("nan")
    household_size: float = float("nan")
    lives_alone: bool = False


def district(dma_id: int, code: str, **known: Any) -> Site:
    """Return the site that stands for a DMA as a whole: of kind `dma`, its id the negative of the DMA's."""
    return Site(-1 - dma_id, code, DMA, 3600, dma_id=dma_id, dma=code, **known)


@dataclass(frozen=True)
class Roster:
    """Every meter as parallel arrays in order of `meter_id`, the utility they belong to, and its network."""

    meter_id: NDArray[np.int64]
    serial: NDArray[np.str_]
    kind: NDArray[np.str_]
    interval_s: NDArray[np.int64]
    dma_id: NDArray[np.int64]
    dma: NDArray[np.str_]
    account_no: NDArray[np.str_]
    sector: NDArray[np.str_]
    segment: NDArray[np.str_]
    dwellings: NDArray[np.int64]
    shifts: NDArray[np.str_]
    point_id: NDArray[np.int64]
    q3_lph: NDArray[np.float32]
    resolution_l: NDArray[np.float32]
    register_modulus_l: NDArray[np.float64]
    min_pressure_kpa: NDArray[np.float32]
    price_m3: NDArray[np.float64]
    from_dma_id: NDArray[np.int64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    elevation_m: NDArray[np.float32]
    node: NDArray[np.str_]
    night_start_min: NDArray[np.int64]
    night_end_min: NDArray[np.int64]
    connections: NDArray[np.float32]
    mains_km: NDArray[np.float32]
    household_size: NDArray[np.float32]
    lives_alone: NDArray[np.bool_]
    timezone: str = "UTC"
    country: str = ""
    network: Network | None = None
    plans: Plans = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.meter_id)

    @classmethod
    def of(
        cls,
        sites: Sequence[Site | tuple[Any, ...]],
        timezone: str = "UTC",
        country: str = "",
        network: Network | None = None,
        plans: Plans | None = None,
    ) -> "Roster":
        """Build the columns from rows in the order of `Site`'s fields."""
        rows = [s if isinstance(s, tuple) else tuple(getattr(s, f.name) for f in fields(Site)) for s in sites]
        rows.sort(key=lambda row: int(row[0]))
        columns = list(zip(*rows, strict=True)) if rows else [()] * len(fields(Site))
        types = {"int": np.int64, "str": np.str_, "float": np.float32, "bool": np.bool_}
        exact = {"register_modulus_l", "price_m3", "x", "y"}
        made: list[Any] = [
            np.array(
                c, dtype=np.float64 if f.name in exact else types[str(getattr(f.type, "__name__", f.type))]
            )
            for c, f in zip(columns, fields(Site), strict=True)
        ]
        return cls(*made, timezone=timezone, country=country, network=network, plans=plans or {})  # type: ignore[misc]

    def same(self, other: "Roster") -> bool:
        """Return whether the other says the same of the same meters."""
        return _equal(self, other)

    def find(self, meter_ids: NDArray[np.int64]) -> NDArray[np.intp]:
        """Return each meter's position; -1 where it is unknown."""
        if len(self) == 0:
            return np.full(len(meter_ids), -1, np.intp)
        at = np.minimum(np.searchsorted(self.meter_id, meter_ids), len(self) - 1)
        return np.where(self.meter_id[at] == meter_ids, at, -1)

    def plan_m3(self, month: str) -> NDArray[np.float64]:
        """Return each site's water plan for a month; NaN without one and where a customer has several meters.

        >>> sites = [Site(1, "m-1", account_no="A"), Site(2, "m-2", account_no="B"), Site(3, "m-3")]
        >>> Roster.of(sites, plans={("A", ""): 50.0, ("A", "2026-11"): 40.0}).plan_m3("2026-11").tolist()
        [40.0, nan, nan]
        """
        made = self._plans_of.get(month)
        if made is None:
            made = np.full(len(self), np.nan)
            for account, at in self._planned.items():
                plan = self.plans.get((account, month), self.plans.get((account, "")))
                if plan is not None:
                    made[at] = plan
            self._plans_of[month] = made
        return made

    @cached_property
    def _plans_of(self) -> dict[str, NDArray[np.float64]]:
        return {}

    @cached_property
    def _planned(self) -> dict[str, int]:
        """Position of the one meter of each customer who has a plan."""
        wanted = sorted({account for account, _ in self.plans})
        at = np.flatnonzero((self.kind == MeterKind.CUSTOMER) & np.isin(self.account_no, wanted))
        accounts, first, count = np.unique(self.account_no[at], return_index=True, return_counts=True)
        return {str(a): int(at[i]) for a, i, n in zip(accounts, first, count, strict=True) if n == 1}

    @cached_property
    def meters_of(self) -> dict[tuple[str, str], list[int]]:
        """Meters by subject: ("meter", serial) and ("dma", code)."""
        found: dict[tuple[str, str], list[int]] = {}
        ids, serials, dmas = self.meter_id.tolist(), self.serial.tolist(), self.dma.tolist()
        for meter_id, serial, dma in zip(ids, serials, dmas, strict=True):
            found.setdefault(("meter", serial), []).append(meter_id)
            if dma:
                found.setdefault(("dma", dma), []).append(meter_id)
        return found

    @cached_property
    def site_class(self) -> NDArray[np.str_]:
        """Class of each site: its sector, or multi_family where several dwellings share the meter."""
        return np.where((self.sector == "residential") & (self.dwellings > 1), "multi_family", self.sector)


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    if is_dataclass(a) and is_dataclass(b):
        return type(a) is type(b) and all(_equal(getattr(a, f.name), getattr(b, f.name)) for f in fields(a))
    return bool(a == b)
