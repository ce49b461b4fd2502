"""docs/detectors.md has a section for every detector."""

from detection.catalogue import DETECTORS
from jobs.docs import FOLDER


def test_every_detector_has_a_section_that_says_what_fools_it() -> None:
    sections = (FOLDER / "detectors.md").read_text("utf-8").split("\n## ")[1:]
    named = {s.split("\n", 1)[0]: s for s in sections}
    assert named.keys() >= DETECTORS.keys()
    for name in DETECTORS:
        assert "What fools it:" in named[name]
