"""What a detector is, and the one table of all of them.

The table is declarative: names, groups, parameters with defaults, units and sources. Policies are checked
against it, docs/detectors.md is tested against it, and the engine runs what stands in it.
"""

from detection.detector import Detector
from detection.detectors import burst, continuous_flow, low_pressure, main_burst, off_shift

DETECTORS: dict[str, Detector] = {
    d.name: d
    for d in (
        continuous_flow.DETECTOR,
        burst.DETECTOR,
        low_pressure.DETECTOR,
        main_burst.DETECTOR,
        off_shift.DETECTOR,
    )
}
