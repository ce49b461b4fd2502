"""How homes use water: draws of every household appliance, minute by minute, for a block of homes at once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jobs.simulate.plan import DAY_S, Plan
from jobs.simulate.pulses import Floats, spread

# Relative frequency by local hour, 0 to 23.
_WORKDAY = np.array(
    [1.0, 0.5, 0.3, 0.3, 0.5, 2, 7, 10, 6, 3.5, 3, 3.5, 5, 4, 3, 3, 4, 6.5, 9, 9.5, 9, 8, 5.5, 2.8]
)
_WEEKEND = np.array(
    [1.6, 0.9, 0.5, 0.3, 0.4, 0.9, 2.5, 5, 8, 9, 8, 7.5, 8, 6.5, 5, 5, 5.5, 6.5, 8, 9, 8.5, 8, 6, 3.5]
)


@dataclass(frozen=True)
class Appliance:
    """Draws a day (a person, or a home), litres of one (mean and coefficient of variation), its flow."""

    a_day: float
    a_person: bool
    litres: float
    cv: float
    flow_lpm: float
    # How flat the day is: 0 follows the household's peaks, 1 is the same at every hour.
    flat: float = 0.0
    fills: int = 1


# At night about 6 in 100 people use the toilet in an hour (the usual figure of legitimate night use).
APPLIANCES = (
    Appliance(4.6, True, 6.0, 0.15, 7.0, flat=0.3),
    Appliance(13.0, True, 1.3, 0.9, 4.0, flat=0.05),
    Appliance(0.75, True, 42.0, 0.45, 7.5),
    Appliance(2.2, False, 7.0, 0.6, 5.0),
    Appliance(0.55, False, 13.0, 0.1, 9.0, fills=4),
)
HABIT_SPREAD_H = 0.9


def use(plan: Plan, block: int, persons: NDArray[np.int64]) -> Floats:
    """Return litres per (home, bin) of a block of homes, leaks not included."""
    rng = plan.rng("homes", block)
    homes = len(persons)
    shape = (homes, plan.bins)
    activity = _activity(rng, plan, homes)
    habit_h = rng.normal(0, HABIT_SPREAD_H, homes)
    # People who work nights: in every second week their day is turned round.
    nights = (rng.random(homes) < 0.05)[:, None] & ((np.arange(plan.days) // 7 + rng.integers(0, 2)) % 2 == 0)
    total = np.zeros(shape)
    for appliance in APPLIANCES:
        each = appliance.a_day * (persons[:, None] if appliance.a_person else 1.0)
        count = rng.poisson(each * activity)
        home, day = (np.repeat(index, count.ravel()) for index in np.divmod(np.arange(count.size), plan.days))
        at_h = _hours(rng, plan, day, appliance.flat) + habit_h[home] + 12.0 * nights[home, day]
        start = plan.midnights_s[day] + (at_h % 24) * 3600
        volume = appliance.litres * rng.gamma(1 / appliance.cv**2, appliance.cv**2, len(home))
        for fill in range(appliance.fills):
            later = start + fill * 900 + (rng.uniform(0, 300, len(home)) if fill else 0)
            total += spread(home, later, volume / appliance.flow_lpm * 60, volume, shape)
    return total + _gardens(rng, plan, homes) + _long_draws(rng, plan, homes)


def _activity(rng: np.random.Generator, plan: Plan, homes: int) -> Floats:
    """Return how much each home uses each day against its mean: moods, weekends, absences, guests."""
    level = rng.lognormal(-0.03, 0.25, (homes, plan.days)) * rng.lognormal(-0.04, 0.3, (homes, 1))
    level *= np.where(plan.weekday >= 5, 1.12, 0.96)
    day = np.arange(plan.days)

    def stay(share: float, shortest: int, longest: int) -> NDArray[np.bool_]:
        first = rng.integers(0, plan.days, homes)[:, None]
        length = rng.integers(shortest, longest + 1, homes)[:, None]
        return (rng.random(homes) < share)[:, None] & (day >= first) & (day < first + length)

    level *= np.where(stay(0.12, 2, 5), rng.uniform(1.6, 2.6, (homes, 1)), 1.0)
    return np.where(stay(0.30, 2, 12), 0.0, level)


def _hours(rng: np.random.Generator, plan: Plan, day: NDArray[np.int64], flat: float) -> Floats:
    """Draw a local hour of the day for each draw, by the profile of its weekday."""
    chance = rng.random(len(day))
    hours = np.empty(len(day))
    for profile, days in ((_WORKDAY, plan.weekday < 5), (_WEEKEND, plan.weekday >= 5)):
        weight = (1 - flat) * profile / profile.sum() + flat / 24
        edges = np.concatenate([[0.0], np.cumsum(weight)])
        mine = days[day]
        hours[mine] = np.interp(chance[mine], edges, np.arange(25.0))
    return hours


def _gardens(rng: np.random.Generator, plan: Plan, homes: int) -> Floats:
    """Timers that water a garden, most of them before dawn: some nights are not still, and rightly so."""
    with_timer = np.flatnonzero(rng.random(homes) < 0.06)
    clock_h = rng.choice([3.5, 4.5, 5.0, 21.5], len(with_timer))
    minutes = rng.uniform(20, 50, len(with_timer))
    home = np.repeat(with_timer, plan.days)
    day = np.tile(np.arange(plan.days), len(with_timer))
    runs = rng.random(len(home)) < 0.7
    start = plan.midnights_s[day] + np.repeat(clock_h, plan.days) * 3600
    duration = np.repeat(minutes, plan.days) * 60.0
    return spread(
        home[runs], start[runs].astype(float), duration[runs], (duration * 9 / 60)[runs], (homes, plan.bins)
    )


def _long_draws(rng: np.random.Generator, plan: Plan, homes: int) -> Floats:
    """Return draws of more than a day that are meant: a pond, a soaker hose, a tap against frost."""
    home = np.flatnonzero(rng.random(homes) < 0.02 * plan.days / 42)
    start = rng.uniform(0, plan.days * DAY_S, len(home))
    hours = rng.uniform(26, 44, len(home))
    flow_lph = rng.uniform(15, 90, len(home))
    return spread(home, start, hours * 3600, hours * flow_lph, (homes, plan.bins))
