"""How factories, offices, schools and hospitals use water: by their shifts, a base load and batches."""

from datetime import date

import holidays
import numpy as np
from numpy.typing import NDArray

from jobs.simulate.plan import BIN_S, Plan
from jobs.simulate.pulses import Floats, spread, wander
from jobs.simulate.town import Site


def closed_days(plan: Plan) -> NDArray[np.bool_]:
    """Return which days are public holidays of the plan's country."""
    years = sorted({day.year for day in plan.dates})
    public: dict[date, str] = dict(holidays.country_holidays(plan.country, years=years))
    return np.array([day in public for day in plan.dates])


def at_work(plan: Plan, site: Site, drift_s: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return in which bins the site works; `drift_s` (days) is how late each day starts and ends."""
    closed = closed_days(plan) if site.keeps_holidays else np.zeros(plan.days, bool)
    weekday, local = plan.weekday[plan.day_of_bin], plan.local_s - drift_s[plan.day_of_bin]
    open_bin = np.zeros(plan.bins, bool)
    for shift in site.hours:
        whole_day = shift.end_h - shift.start_h >= 24
        inside = whole_day | ((local >= shift.start_h * 3600) & (local < shift.end_h * 3600))
        open_bin |= np.isin(weekday, shift.days) & inside
    return np.asarray(open_bin & ~closed[plan.day_of_bin])


def use(plan: Plan, sites: list[Site]) -> tuple[Floats, NDArray[np.bool_]]:
    """Return litres per (site, bin), faults not included, and when each site's calendar says it works."""
    if not sites:
        return np.zeros((0, plan.bins)), np.zeros((0, plan.bins), bool)
    rng = plan.rng("work")
    shape = (len(sites), plan.bins)
    drift = rng.normal(0, 240, (len(sites), plan.days)).clip(-600, 600)
    work = np.array([at_work(plan, site, drift[n]) for n, site in enumerate(sites)])
    calendar = np.array([at_work(plan, site, np.zeros(plan.days)) for site in sites])
    flow = np.array([[site.shift_lph] for site in sites]) * _daytime(plan)
    base = np.array([[site.base_lph] for site in sites])
    noise = np.exp(wander(rng, shape, 0.22, 0.94))
    day_level = rng.lognormal(0, 0.12, (len(sites), plan.days))[:, plan.day_of_bin]
    steady = (base * np.exp(wander(rng, shape, 0.06, 0.97)) + flow * work * noise * day_level) * BIN_S / 3600
    return steady + _batches(plan, rng, sites, work) + _overtime(plan, rng, sites, work), calendar


def _daytime(plan: Plan) -> Floats:
    """Return a gentle swing over the day: fewer at work at noon and at night."""
    hour = plan.local_s / 3600
    return np.asarray(1.0 - 0.25 * np.exp(-(((hour - 12.5) / 0.7) ** 2)) - 0.3 * ((hour < 6) | (hour >= 22)))


def _batches(plan: Plan, rng: np.random.Generator, sites: list[Site], work: NDArray[np.bool_]) -> Floats:
    """Return tanks filled and lines washed: a few large draws a working day."""
    count = rng.poisson([[site.batches_a_day] for site in sites], (len(sites), plan.days))
    site, day = (np.repeat(index, count.ravel()) for index in np.divmod(np.arange(count.size), plan.days))
    start = plan.midnights_s[day] + rng.uniform(0, 86_400 - 3_600, len(site))
    open_then = work[site, (start // BIN_S).astype(int)]
    site, start = site[open_then], start[open_then]
    volume = np.asarray([s.batch_l for s in sites])[site] * rng.gamma(8, 1 / 8, len(site))
    duration = rng.uniform(900, 2_400, len(site))
    begin, litres = start.astype(np.float64), volume.astype(np.float64)
    return spread(site, begin, duration, litres, work.shape)


def _overtime(plan: Plan, rng: np.random.Generator, sites: list[Site], work: NDArray[np.bool_]) -> Floats:
    """Return an hour or so that is worked after the shift now and then, and is nobody's fault."""
    ends = np.diff(work.astype(np.int8), axis=1, append=0) == -1
    site, at = np.nonzero(ends & (rng.random(work.shape) < 0.03))
    duration = rng.uniform(1_200, 4_800, len(site))
    flow: Floats = np.array([s.shift_lph for s in sites], np.float64)[site] * rng.uniform(0.3, 0.7, len(site))
    closed = ((at + 1) * BIN_S).astype(np.float64)
    return spread(site, closed, duration, flow * duration / 3600, work.shape)
