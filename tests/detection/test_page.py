"""docs/detectors.md says what the catalogue says."""

from pathlib import Path

from detection.catalogue import DETECTORS
from detection.page import filled

PAGE = Path(__file__).parents[2] / "docs" / "detectors.md"


def test_page_is_what_the_catalogue_makes() -> None:
    page = PAGE.read_text("utf-8")
    assert page == filled(page), "write detection.page.filled(page) to docs/detectors.md"


def test_every_detector_has_a_section_that_says_what_fools_it() -> None:
    sections = PAGE.read_text("utf-8").split("\n## ")[1:]
    named = {s.split("\n", 1)[0]: s for s in sections}
    assert named.keys() >= DETECTORS.keys()
    for name in DETECTORS:
        assert "What fools it:" in named[name]
