"""A meter, or a whole gateway, from which nothing comes any more (`detection.silence` decides)."""

from core.words import Severity
from detection.detector import Detector, Param, by_size
from detection.episode import Episode

_OURS = dict.fromkeys(("residential", "multi_family", "commercial", "industrial", "institutional"), 26.0)


def severity(episode: Episode) -> Severity:
    """A gateway takes all its meters with it; one meter is work for the next round."""
    if "meters" in episode.evidence:
        return Severity.HIGH
    return by_size(episode.magnitude, 72, float("inf"), float("inf"))


DETECTOR = Detector(
    name="silent",
    group="device",
    finds="Nothing comes from the meter any more; many meters of a district at once are one event of the "
    "district: its gateway.",
    plane="receipts",
    unit="h",
    kinds=frozenset({"customer", "dma_inlet", "dma_outlet", "pressure", "storage"}),
    params=(
        Param("intervals", 6, "intervals", "Silent for more than so many reporting intervals.", "own", low=1),
        Param(
            "least_h", 4, "h", "And for more than this.",
            "own: who sends once a day is late after 26 h; what watches the network is missed sooner",
            by_class=_OURS, low=0.1, high=2400,
        ),
        Param(
            "gateway_meters", 10, "meters", "So many of a DMA within an hour are its gateway.",
            "own", low=2,
        ),
        Param(
            "gateway_share", 0.02, "share", "And at least this share of its meters.",
            "own: in a large DMA some fall silent by chance", high=1,
        ),
        Param(
            "gateway_h", 3, "h", "Once they have been silent for this, and three of their usual steps.",
            "own: sooner than for one meter, as chance is no explanation", low=0.1, high=240,
        ),
    ),
    severity=severity,
    explained_by_outage=True,
)  # fmt: skip
