"""Who lives and works in the town: the master data, and what the generators need to know of each subject."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.words import MeterKind, Sector, Segment
from jobs.dataset import CustomerRow, DmaRow, MeterRow, StaffRow, UtilityRow
from jobs.simulate import names
from jobs.simulate.plan import Plan

HOMES_A_DMA = 100
SENSORS_A_DMA = 3
MIN_PRESSURE_KPA = 200.0
HOME_Q3_LPH = 2_500.0


class Shift(NamedTuple):
    """Working hours on weekdays `days` (Monday 0), hours of the local day."""

    days: tuple[int, ...]
    start_h: float
    end_h: float


@dataclass(frozen=True)
class Site:
    """A customer that isn't a home: what it uses, and when; flows in litres an hour."""

    name: str
    sector: Sector
    segment: Segment
    shifts: str
    hours: tuple[Shift, ...]
    shift_lph: float
    base_lph: float
    batch_l: float
    batches_a_day: float
    keeps_holidays: bool


@dataclass(frozen=True)
class Town:
    """Rows of the folder's small files, and arrays over homes and over sites in the order of the meters.

    `meters` holds the homes' meters first, then the sites', the DMA inlets' and the pressure sensors'.
    """

    utility: UtilityRow
    staff: list[StaffRow]
    dmas: list[DmaRow]
    customers: list[CustomerRow]
    meters: list[MeterRow]
    sites: list[Site]
    persons: NDArray[np.int64]
    dma_of_customer: NDArray[np.int64]
    elevation_m: NDArray[np.float64]

    @property
    def serials(self) -> list[str]:
        """The meters' serial numbers."""
        return [meter.meter for meter in self.meters]


WEEK, WORK = tuple(range(7)), tuple(range(5))
_PATTERNS: list[tuple[str, tuple[Shift, ...]]] = [
    ("mo-fr 08:00-17:00", (Shift(WORK, 8, 17),)),
    ("mo-fr 06:00-22:00; sa 06:00-14:00", (Shift(WORK, 6, 22), Shift((5,), 6, 14))),
    ("mo-sa 07:00-19:00", (Shift(tuple(range(6)), 7, 19),)),
    ("mo-fr 07:30-16:30; sa 07:30-12:00", (Shift(WORK, 7.5, 16.5), Shift((5,), 7.5, 12))),
]
_ROUND_THE_CLOCK = ("mo-su 00:00-24:00", (Shift(WEEK, 0, 24),))


def build(plan: Plan) -> Town:
    """Return the town of a plan."""
    rng = plan.rng("town")
    dma_count = max(1, round(plan.homes / HOMES_A_DMA))
    sites = _sites(plan)
    home_dma = np.sort(rng.integers(0, dma_count, plan.homes))
    site_dma = np.arange(len(sites)) % dma_count
    persons = rng.choice(np.arange(1, 7), plan.homes, p=[0.18, 0.30, 0.25, 0.18, 0.06, 0.03])
    staff = _staff()
    dmas = [_dma(n, int((home_dma == n).sum() + (site_dma == n).sum())) for n in range(dma_count)]
    homes = _homes(plan, persons, home_dma, dmas)
    firms = [_firm(n, site, dmas[site_dma[n]].dma) for n, site in enumerate(sites)]
    customers = _assign(homes + firms, dmas)
    meters = _meters(plan, rng, customers, sites, dmas)
    return Town(
        utility=UtilityRow("青溪水务", plan.tz, plan.country, "CNY", 3.8),
        staff=staff,
        dmas=dmas,
        customers=customers,
        meters=meters,
        sites=sites,
        persons=persons,
        dma_of_customer=np.concatenate([home_dma, site_dma]).astype(np.int64),
        elevation_m=np.array([meter.elevation_m or 0.0 for meter in meters]),
    )


def _staff() -> list[StaffRow]:
    head = StaffRow("zhao.lihua", "赵丽华", "zhao.lihua@qingxi.example", "000-0000-0001", "zh", "operations")
    desk = StaffRow(
        "duty", "值班台", "duty@qingxi.example", "000-0000-0002", "zh", "operations", duty_desk=True
    )
    people = [
        StaffRow(
            login,
            name,
            f"{login}@qingxi.example",
            language="en" if login in names.ENGLISH_STAFF else "zh",
            region=("东区", "西区")[n % 2],
            superior="zhao.lihua",
            deputy="duty",
        )
        for n, (login, name) in enumerate((names.PINYIN | names.ENGLISH_STAFF).items())
    ]
    return [head, desk, *people]


def _dma(number: int, connections: int) -> DmaRow:
    region = ("东区", "西区")[number % 2]
    length_km = round(0.012 * connections + 0.8, 2)
    return DmaRow(
        f"T{number + 1:02d}",
        names.district(number),
        region,
        min_pressure_kpa=MIN_PRESSURE_KPA,
        connections=connections,
        mains_km=length_km,
    )


def _homes(
    plan: Plan, persons: NDArray[np.int64], dma: NDArray[np.int64], dmas: list[DmaRow]
) -> list[CustomerRow]:
    rng = plan.rng("names")
    english = rng.random(plan.homes) < 0.07
    vulnerable = (persons == 1) & (rng.random(plan.homes) < 0.2)
    called = names.people(rng, plan.homes, english)
    return [
        CustomerRow(
            customer=f"H{n + 1:05d}",
            name=called[n],
            sector=Sector.RESIDENTIAL,
            segment=Segment.VULNERABLE if vulnerable[n] else Segment.GENERAL,
            dma=dmas[dma[n]].dma,
            language="en" if english[n] else "zh",
            phone=f"000-0001-{n:04d}",
            household_size=int(persons[n]),
            lives_alone=bool(persons[n] == 1),
        )
        for n in range(plan.homes)
    ]


def _firm(number: int, site: Site, dma: str) -> CustomerRow:
    weekly_h = sum(len(shift.days) * (shift.end_h - shift.start_h) for shift in site.hours)
    month_m3 = (
        (site.shift_lph * weekly_h / 7 + site.base_lph * 24 + site.batch_l * site.batches_a_day) * 30.4 / 1000
    )
    return CustomerRow(
        customer=f"F{number + 1:03d}",
        name=site.name,
        sector=site.sector,
        segment=site.segment,
        dma=dma,
        phone=f"000-0002-{number:04d}",
        email=f"f{number + 1:03d}@firms.example",
        shifts=site.shifts,
        plan_m3_month=round(month_m3 * 1.15, -1),
    )  # fmt: skip


def _assign(customers: list[CustomerRow], dmas: list[DmaRow]) -> list[CustomerRow]:
    """Give each DMA's customers a manager of its region, firms of all DMAs to three who look after firms."""
    logins = [*names.PINYIN, *names.ENGLISH_STAFF]
    firm_logins, home_logins = logins[-3:], logins[:-3]
    of_dma = {dma.dma: home_logins[n % len(home_logins)] for n, dma in enumerate(dmas)}
    firms = iter(range(len(customers)))
    return [
        replace(
            row,
            manager=of_dma[row.dma or ""]
            if row.sector == Sector.RESIDENTIAL
            else firm_logins[next(firms) % len(firm_logins)],
        )
        for row in customers
    ]


def _sites(plan: Plan) -> list[Site]:
    if plan.factories == 0:
        return []
    rng = plan.rng("sites")
    sites = []
    for n in range(plan.factories):
        round_the_clock = n % 6 == 5
        shifts, hours = _ROUND_THE_CLOCK if round_the_clock else _PATTERNS[n % len(_PATTERNS)]
        flow = float(rng.choice([900, 1_600, 2_500, 4_000, 6_500]) * rng.uniform(0.8, 1.2))
        # One factory in eight cools round the clock: use that never rests, and is right.
        base = flow * (0.35 if n % 8 == 3 else rng.choice([0.0, 0.01, 0.03]))
        sites.append(
            Site(
                name=names.factory(n),
                sector=Sector.INDUSTRIAL,
                segment=Segment.LARGE if flow > 3_500 else Segment.GENERAL,
                shifts=shifts,
                hours=hours,
                shift_lph=flow,
                base_lph=float(base),
                batch_l=flow * float(rng.uniform(0.3, 0.9)),
                batches_a_day=2.0,
                keeps_holidays=not round_the_clock,
            )
        )
    office = ("mo-fr 08:00-18:00", (Shift(WORK, 8, 18),))
    school = ("mo-fr 07:00-17:30", (Shift(WORK, 7, 17.5),))
    mall = ("mo-su 10:00-22:00", (Shift(WEEK, 10, 22),))
    sites += [
        Site(
            "青溪人民医院",
            Sector.INSTITUTIONAL,
            Segment.SPECIAL,
            *_ROUND_THE_CLOCK,
            3_200,
            700,
            400,
            6,
            False,
        ),
        Site("青溪第一中学", Sector.INSTITUTIONAL, Segment.SPECIAL, *school, 1_400, 0, 200, 1, True),
        Site("临江大厦", Sector.COMMERCIAL, Segment.GENERAL, *office, 450, 4, 60, 1, True),
        Site("东湖商场", Sector.COMMERCIAL, Segment.LARGE, *mall, 1_100, 40, 150, 2, False),
    ]
    return sites


def _meters(
    plan: Plan,
    rng: np.random.Generator,
    customers: list[CustomerRow],
    sites: list[Site],
    dmas: list[DmaRow],
) -> list[MeterRow]:
    homes = len(customers) - len(sites)
    x, y = rng.uniform(0, 1500, (2, len(customers) + len(dmas) * (1 + SENSORS_A_DMA))).round(1)
    height = (8 + 14 * rng.random(len(x))).round(1)
    coarse = rng.random(homes) < 0.12
    rows = []
    for n, customer in enumerate(customers):
        site = sites[n - homes] if n >= homes else None
        rows.append(
            MeterRow(
                meter=f"QX{20_000_001 + n}",
                kind=MeterKind.CUSTOMER,
                customer=customer.customer,
                dma=customer.dma,
                q3_lph=_q3(site),
                resolution_l=10.0 if site or coarse[n] else 1.0,
                register_modulus_l=1e9 if site else 1e8,
                interval_s=plan.interval_s,
            )
        )
    for dma in dmas:
        rows.append(
            MeterRow(f"{dma.dma}-in", MeterKind.DMA_INLET, None, dma.dma, None, 160_000.0, 100.0, 1e11, 900)
        )
    for dma in dmas:
        rows += [
            MeterRow(f"{dma.dma}-p{k + 1}", MeterKind.PRESSURE, None, dma.dma, interval_s=900)
            for k in range(SENSORS_A_DMA)
        ]
    return [
        replace(row, x=float(x[n]), y=float(y[n]), elevation_m=float(height[n])) for n, row in enumerate(rows)
    ]


def _q3(site: Site | None) -> float:
    if site is None:
        return HOME_Q3_LPH
    peak = site.shift_lph + site.base_lph + site.batch_l
    return float(next(q3 for q3 in (4_000, 6_300, 10_000, 16_000, 25_000, 40_000) if q3 >= peak * 1.3))
