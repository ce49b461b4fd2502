"""Which detectors an outage explains: those that see that no water or no word comes, and no others."""

import re
from pathlib import Path

import numpy as np

from detection.catalogue import DETECTORS
from detection.engine import Engine
from detection.outages import Outage
from detection.roster import Site
from tests.detection.builders import DAY, HOUR, T0, live, play, register, roster

#: Without supply the pressure falls, nothing is drawn, the register stands, and gateways may be off as well.
EXPLAINED = {"low_pressure", "pressure_drop", "zero_use", "stuck", "no_use_vulnerable", "silent"}
#: What is lost, sucked back, tampered with or wrong in a register is so with an outage and without one.
DOCS = Path(__file__).parents[2] / "docs" / "detectors.md"


def test_an_outage_explains_missing_water_and_missing_word_alone() -> None:
    assert {name for name, d in DETECTORS.items() if d.explained_by_outage} == EXPLAINED


def test_the_page_names_what_an_outage_explains() -> None:
    (named,) = re.findall(r"An outage\s+explains\s+what\s+([^.]*)\.", DOCS.read_text())
    assert set(re.findall(r"`(\w+)`", named)) == EXPLAINED


def test_a_factory_that_stood_still_without_water_has_no_event_of_its_own() -> None:
    site = Site(1, "f-1", sector="industrial", account_no="F1", q3_lph=25_000, dma="D1", dma_id=1)
    volumes = np.random.default_rng(3).normal(2000, 40, 40 * 24)
    volumes[30 * 24 : 31 * 24] = 0

    def suppressed_by(*outages: Outage) -> dict[str, int | None]:
        engine = Engine(roster(site))
        play(engine, register(1, volumes), outages=outages)
        return {e.grp: e.suppressed_by for e in live(engine)}

    cut = Outage(7, "O-7", frozenset({1}), frozenset(), T0 + 30 * DAY, T0 + 31 * DAY)
    short = Outage(8, "O-8", frozenset({1}), frozenset(), T0 + 30 * DAY, T0 + 30 * DAY + 15 * HOUR)
    assert suppressed_by() == {"industrial": None}
    assert suppressed_by(cut) == {"industrial": 7}
    assert suppressed_by(short) == {"industrial": None}
