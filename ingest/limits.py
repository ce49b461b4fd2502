"""What a reading can be: beyond these bounds it is an error of the sensor or of the transmission."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limit:
    """Lowest and highest value of a column, with its unit for messages."""

    low: float
    high: float
    unit: str


LIMITS = {
    # Ten digits of m3, more than any indicating device of ISO 4064-1 shows; it never falls below zero.
    "register_l": Limit(0.0, 1e13, "L"),
    # A DN 4000 main at 2.2 m/s carries 100,000 m3/h; transfer meters read a reversed flow as negative.
    "flow_lph": Limit(-1e8, 1e8, "L/h"),
    # Gauge pressure: full vacuum to PN 100, the highest class of steel water mains.
    "pressure_kpa": Limit(-101.325, 10_000.0, "kPa"),
    # Coldest storage of electronics to the highest temperature class of ISO 4064-1, T180.
    "temperature_c": Limit(-40.0, 180.0, "°C"),
    # Lithium cells are 3.6 V; loggers on a supply end at the safe extra-low voltage of IEC 61140.
    "battery_v": Limit(0.0, 60.0, "V"),
}

MAX_AHEAD_S = 300.0
"""How far a meter's clock may be ahead of ours."""
