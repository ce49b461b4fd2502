"""Who is measured, as a dataset folder says it: what the database says after an import of the folder."""

from typing import Any

from detection.network import Network
from detection.outages import Outage
from detection.roster import Roster, Site, district
from jobs.dataset import CustomerRow, Dataset, DmaRow, MeterRow
from jobs.dataset.readings import micros


def roster(dataset: Dataset) -> Roster:
    """Return the sites of a folder: meter ids are positions in its meters, DMA ids those in `dma_codes`."""
    codes = dma_codes(dataset)
    ids = {code: n for n, code in enumerate(codes)}
    dmas = {row.dma: row for row in dataset.dmas}
    customers = {row.customer: row for row in dataset.customers}
    price = dataset.utility.price_m3 if dataset.utility else 0.0
    sites = []
    for n, meter in enumerate(dataset.meters):
        customer = customers.get(meter.customer or "")
        if customer is None and meter.customer and not customers:
            customer = CustomerRow(meter.customer, dma=meter.dma)
        sites.append(_site(n, meter, customer, ids, dmas, price))
    for code in codes:
        row = dmas.get(code) or DmaRow(code)
        sites.append(district(ids[code], code, price_m3=price, **_of_dma(row)))
    utility = dataset.utility
    timezone, country = (utility.timezone, utility.country) if utility else ("UTC", "")
    plans = {(c.customer, ""): c.plan_m3_month for c in dataset.customers if c.plan_m3_month is not None}
    return Roster.of(sites, timezone, country, network(dataset), plans)


def network(dataset: Dataset) -> Network | None:
    """Return the network of a folder that has nodes, pipes or a model."""
    nodes = [(n.node, _known(n.elevation_m), _known(n.x), _known(n.y)) for n in dataset.nodes]
    pipes = [(p.pipe, p.node1, p.node2, _known(p.length_m), _known(p.diameter_mm)) for p in dataset.pipes]
    return Network.of(nodes, pipes, dataset.model) if nodes or pipes or dataset.model else None


def _known(value: float | None) -> float:
    return float("nan") if value is None else value


def dma_codes(dataset: Dataset) -> list[str]:
    """Return the DMAs in the order of dmas.csv; where there is none, in order of first mention."""
    if dataset.dmas:
        return [row.dma for row in dataset.dmas]
    named = [code for meter in dataset.meters for code in (meter.dma, meter.from_dma) if code]
    named += [row.dma for row in dataset.customers if row.dma] + [row.dma for row in dataset.outages]
    return list(dict.fromkeys(named))


def outages(dataset: Dataset, now_us: int) -> list[Outage]:
    """Return the outages that have begun by `now_us`, with the end that was known then."""
    ids = {code: n for n, code in enumerate(dma_codes(dataset))}
    found = []
    for n, row in enumerate(dataset.outages):
        start, end = micros(row.start), micros(row.end) if row.end else None
        if start <= now_us:
            ends = end if end is not None and end <= now_us else micros(row.expected_end)
            found.append(
                Outage(
                    n,
                    row.outage,
                    frozenset({ids[row.dma]}),
                    frozenset(),
                    start // 1_000_000,
                    ends // 1_000_000,
                )
            )
    return found


def _site(
    n: int,
    meter: MeterRow,
    customer: CustomerRow | None,
    ids: dict[str, int],
    dmas: dict[str, DmaRow],
    price: float,
) -> Site:
    code = meter.dma or (customer.dma if customer else None) or ""
    row = dmas.get(code) or DmaRow(code)
    known: dict[str, Any] = {
        "q3_lph": meter.q3_lph,
        "resolution_l": meter.resolution_l,
        "register_modulus_l": meter.register_modulus_l,
        "x": meter.x,
        "y": meter.y,
        "elevation_m": meter.elevation_m,
        "node": meter.node,
        "household_size": customer.household_size if customer else None,
    }
    return Site(
        meter_id=n,
        serial=meter.meter,
        kind=str(meter.kind),
        interval_s=meter.interval_s,
        dma_id=ids.get(code, -1),
        dma=code,
        account_no=customer.customer if customer else "",
        sector=str(customer.sector) if customer else "",
        segment=str(customer.segment) if customer else "",
        shifts=(customer.shifts or "") if customer else "",
        price_m3=price,
        from_dma_id=ids[meter.from_dma] if meter.from_dma else -1,
        lives_alone=bool(customer and customer.lives_alone),
        **{name: value for name, value in known.items() if value is not None},
        **_of_dma(row),
    )


def _of_dma(row: DmaRow) -> dict[str, Any]:
    known: dict[str, Any] = {
        "min_pressure_kpa": row.min_pressure_kpa,
        "night_start_min": row.night_start.hour * 60 + row.night_start.minute,
        "night_end_min": row.night_end.hour * 60 + row.night_end.minute,
        "connections": row.connections,
        "mains_km": row.mains_km,
    }
    return {name: value for name, value in known.items() if value is not None}
