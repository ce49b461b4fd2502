"""Policies by scope, validity and exemption."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import BadDataError
from detection.catalogue import DETECTORS
from detection.policy import Policies, Policy, check
from detection.roster import Roster, Site

SITES = [
    Site(
        i,
        f"m-{i}",
        account_no=f"A{i % 3}",
        dma=f"D{i % 2}",
        sector=("residential", "industrial", "commercial")[i % 3],
        segment=("general", "large")[i % 2],
        dwellings=1 + 4 * (i == 6),
    )
    for i in range(1, 8)
]
KEYS = {
    "default": [""],
    "sector": ["residential", "industrial"],
    "segment": ["general", "large"],
    "dma": ["D0", "D1"],
    "customer": ["A0", "A1"],
    "meter": ["m-1", "m-2"],
}
ORDER = list(KEYS)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    scope = draw(st.sampled_from(ORDER))
    start = draw(st.integers(0, 20)) * 3600
    return Policy(
        id=draw(st.integers(1, 10**6)),
        detector="continuous_flow",
        scope=scope,
        scope_key=draw(st.sampled_from(KEYS[scope])),
        params=draw(
            st.dictionaries(st.sampled_from(["threshold_lph", "window_h"]), st.integers(1, 100), max_size=2)
        ),
        enabled=draw(st.booleans()),
        valid_from_s=start,
        valid_until_s=start + draw(st.integers(1, 20)) * 3600,
        exemption=draw(st.sampled_from([None, None, "expected_flow"])),
    )


def slow(given: list[Policy], site: Site, ts_s: int) -> tuple[bool, dict[str, float]]:
    """Resolve for one meter, one policy after the other."""
    detector = DETECTORS["continuous_flow"]
    kind = "multi_family" if site.sector == "residential" and site.dwellings > 1 else site.sector
    params = {p.name: p.by_class.get(kind, p.default) for p in detector.params}
    own = {
        "default": "",
        "sector": site.sector,
        "segment": site.segment,
        "dma": site.dma,
        "customer": site.account_no,
        "meter": site.serial,
    }
    on = True
    for policy in sorted(given, key=lambda p: (ORDER.index(p.scope), p.id)):
        if own[policy.scope] == policy.scope_key and policy.valid_from_s <= ts_s < policy.valid_until_s:
            params |= policy.params
            on = policy.enabled and policy.exemption is None
    return on, params


@given(st.lists(policies(), max_size=12, unique_by=lambda p: p.id), st.integers(0, 40))
@settings(max_examples=150, deadline=None)
def test_resolution_is_its_reference(listed: list[Policy], hour: int) -> None:
    resolved = Policies(listed, DETECTORS, Roster.of(SITES)).at("continuous_flow", hour * 3600)
    for i, site in enumerate(SITES):
        on, params = slow(listed, site, hour * 3600)
        assert resolved.enabled[i] == on
        for name, value in params.items():
            assert resolved.params[name][i] == np.float32(value)


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        (Policy(3, "continous_flow"), "no detector 'continous_flow'. Known: backflow, burst"),
        (Policy(3, "burst", params={"q3": 1}), "burst has no parameter 'q3'. Known: excess_of_q3"),
        (Policy(3, "burst", params={"excess_of_q3": "much"}), "burst.excess_of_q3 can't be 'much'"),
        (Policy(3, "burst", params={"excess_of_q3": True}), "burst.excess_of_q3 can't be True"),
        (
            Policy(3, "burst", params={"excess_of_q3": float("nan")}),
            "Give a number of share of Q3 from 0.01 to 2",
        ),
        (Policy(3, "burst", "sector", "farming"), "no sector 'farming'. Known: commercial"),
        (Policy(3, "burst", "planet", "earth"), "no scope 'planet'"),
    ],
)
def test_wrong_policy_is_refused_with_what_would_be_right(policy: Policy, says: str) -> None:
    with pytest.raises(BadDataError, match="Policy 3") as refused:
        check(policy, DETECTORS)
    assert says in str(refused.value)


def test_classes_have_their_own_defaults() -> None:
    sites = [
        Site(1, "a"),
        Site(2, "b", dwellings=12),
        Site(3, "c", sector="commercial"),
        Site(4, "d", sector="industrial"),
        Site(5, "e", sector="institutional"),
        Site(6, "f", kind="dma_inlet", sector=""),
    ]
    resolved = Policies([], DETECTORS, Roster.of(sites)).at("continuous_flow", 0)
    assert resolved.params["threshold_lph"].round(1).tolist()[:5] == [
        pytest.approx(3.8),
        300,
        pytest.approx(190),
        380,
        190,
    ]
    assert resolved.params["window_h"].tolist() == [24, 24, 24, 72, 24, 24]
    assert resolved.enabled.tolist() == [True] * 5 + [False]
