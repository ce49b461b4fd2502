"""What a detector is, and the one table of all of them.

The table is declarative: names, groups, parameters with defaults, units and sources. Policies are checked
against it, docs/detectors.md is tested against it, and the engine runs what stands in it.
"""

from detection.detector import Detector
from detection.detectors import (
    burst,
    continuous_flow,
    drift,
    level_shift,
    low_pressure,
    night_flow,
    no_use_vulnerable,
    occupancy_change,
    off_shift,
    rising_minimum,
    spike,
    water_balance,
    zero_use,
)

DETECTORS: dict[str, Detector] = {
    module.DETECTOR.name: module.DETECTOR
    for module in (
        continuous_flow,
        rising_minimum,
        burst,
        low_pressure,
        night_flow,
        water_balance,
        off_shift,
        spike,
        level_shift,
        drift,
        zero_use,
        no_use_vulnerable,
        occupancy_change,
    )
}
