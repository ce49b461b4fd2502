"""Figures of water loss against the arithmetic of their sources, term by term."""

import math

from hypothesis import given
from hypothesis import strategies as st

from detection.kernels.water_loss import GRADES, KPA_A_METRE, grade, ili, loss_rate, uarl_l_day

SIZE = st.floats(0, 1e4)
SHARE = st.floats(0, 1)


@given(SIZE, SIZE, SIZE, st.floats(0, 2000))
def test_unavoidable_losses_are_those_of_mains_connections_and_private_pipes(
    mains_km: float, connections: float, private_km: float, kpa: float
) -> None:
    metres = kpa / KPA_A_METRE
    terms = [18 * mains_km * metres, 0.8 * connections * metres, 25 * private_km * metres]
    assert math.isclose(
        uarl_l_day(mains_km, connections, private_km, kpa), sum(terms), rel_tol=1e-9, abs_tol=1e-9
    )


def test_an_index_needs_unavoidable_losses() -> None:
    assert math.isnan(ili(1000, 0)) and math.isnan(ili(1000, math.nan))
    assert math.isnan(uarl_l_day(math.nan, 1, 0, 300))


@given(SHARE, SHARE, st.floats(0, 1))
def test_corrections_take_away_at_most_the_households_share_and_three_points(
    lost: float, households: float, km: float
) -> None:
    rate = loss_rate(lost, households, km)
    without = loss_rate(lost, households, math.nan)
    assert math.isclose(without, lost - 0.08 * households, abs_tol=1e-12)
    assert abs(rate - without) <= 0.03 + 1e-12


@given(st.floats(-0.5, 1))
def test_a_grade_is_the_first_whose_limit_holds(rate: float) -> None:
    (first, _), (second, _) = GRADES
    assert grade(rate) == ("1" if rate <= first else "2" if rate <= second else "above")
