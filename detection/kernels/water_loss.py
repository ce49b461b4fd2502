"""Figures of water loss: unavoidable losses, leakage index, and the Chinese grade of the loss rate."""

import math

#: Kilopascals of a metre of water.
KPA_A_METRE = 9.80665
#: CJJ 92-2016 5.1.2: the corrected loss rate of grade 1 and of grade 2.
GRADES = ((0.10, "1"), (0.12, "2"))


def uarl_l_day(mains_km: float, connections: float, private_km: float, mean_kpa: float) -> float:
    """Return the unavoidable annual real losses, litres a day; NaN where something isn't known.

        UARL = (18 Lm + 0.8 Nc + 25 Lp) P

    with mains Lm (km), connections Nc, pipes from the street's edge to the meter Lp (km) and pressure P
    (metres). Lambert and others, A review of performance indicators for real losses, AQUA 1999 (IWA).

    >>> round(uarl_l_day(10, 500, 0, 40 * KPA_A_METRE))
    23200
    """
    return (18 * mains_km + 0.8 * connections + 25 * private_km) * mean_kpa / KPA_A_METRE


def ili(lost_l_day: float, unavoidable_l_day: float) -> float:
    """Return the infrastructure leakage index, real losses by unavoidable ones; NaN without.

    >>> ili(46_400, 23_200)
    2.0
    """
    return lost_l_day / unavoidable_l_day if unavoidable_l_day > 0 else math.nan


def loss_rate(lost_share: float, household_share: float, km_a_10000_m3: float) -> float:
    """Return the loss rate of CJJ 92-2016 (5.2): the gross rate less the corrections a DMA can know of.

        R_BL = R_WL - R1 - R2, R1 = 0.08 r, R2 = 0.99 (A - 0.0693) within +-3 %

    r is the share of households read at their own meters in the water supplied, A the mains in km by the
    supply of a year in 10,000 m3 (NaN: no correction). The corrections for the pressure at the works and for
    frost are a utility's and are left out, which is the strict side.

    >>> round(loss_rate(0.15, 0.5, 0.0793), 4)
    0.1001
    """
    by_length = 0.0 if math.isnan(km_a_10000_m3) else 0.0099 * (km_a_10000_m3 - 0.0693) * 100
    return lost_share - 0.08 * household_share - min(max(by_length, -0.03), 0.03)


def grade(rate: float) -> str:
    """Return the grade of a corrected loss rate: 1, 2 or above.

    >>> grade(0.08), grade(0.12), grade(0.2)
    ('1', '2', 'above')
    """
    return next((name for most, name in GRADES if rate <= most), "above")
