"""What a detector is, and the one table of all of them.

The table is declarative: names, groups, parameters with defaults, units and sources. Policies are checked
against it, docs/detectors.md is tested against it, and the engine runs what stands in it.
"""

from detection.detector import Detector
from detection.detectors import (
    backflow,
    burst,
    clock_skew,
    continuous_flow,
    low_battery,
    low_pressure,
    off_shift,
    register_jump,
    silent,
    stuck,
    tamper,
)

DETECTORS: dict[str, Detector] = {
    d.name: d
    for d in (
        continuous_flow.DETECTOR,
        burst.DETECTOR,
        low_pressure.DETECTOR,
        off_shift.DETECTOR,
        silent.DETECTOR,
        stuck.DETECTOR,
        backflow.DETECTOR,
        tamper.DETECTOR,
        low_battery.DETECTOR,
        clock_skew.DETECTOR,
        register_jump.DETECTOR,
    )
}
