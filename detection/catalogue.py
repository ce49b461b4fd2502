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
    drift,
    level_shift,
    low_battery,
    low_pressure,
    main_burst,
    night_flow,
    no_use_vulnerable,
    occupancy_change,
    off_shift,
    plan_overrun,
    pressure_drop,
    register_jump,
    rising_minimum,
    silent,
    spike,
    stuck,
    tamper,
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
        main_burst,
        pressure_drop,
        night_flow,
        water_balance,
        off_shift,
        spike,
        level_shift,
        drift,
        zero_use,
        plan_overrun,
        no_use_vulnerable,
        occupancy_change,
        silent,
        stuck,
        backflow,
        tamper,
        low_battery,
        clock_skew,
        register_jump,
    )
}
