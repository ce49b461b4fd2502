"""What flows into the DMAs and how high the pressure stands there."""

import numpy as np

from jobs.simulate.faults import Faults, pressure_floor
from jobs.simulate.plan import BIN_S, Plan
from jobs.simulate.pulses import Floats, wander
from jobs.simulate.town import SENSORS_A_DMA, Town

LEAKAGE_LPH_A_CONNECTION = 9.0
SUPPLY_KPA = 395.0
HEAD_LOSS_KPA = 38.0
METER_ERROR = 0.004


def inflow(plan: Plan, town: Town, used_l: Floats) -> Floats:
    """Return litres per (DMA, bin) through the inlets: `used_l`, background leakage, the meters' error."""
    rng = plan.rng("inflow")
    connections = np.array([[dma.connections or 0] for dma in town.dmas])
    night = 1.0 + 0.12 * np.cos((plan.local_s / 3600 - 3) / 24 * 2 * np.pi)
    leakage = LEAKAGE_LPH_A_CONNECTION * connections * night * BIN_S / 3600
    return np.asarray((used_l + leakage) * (1 + rng.normal(0, METER_ERROR, used_l.shape)).clip(0.9, 1.1))


def pressure(plan: Plan, town: Town, inflow_l: Floats, faults: Faults) -> Floats:
    """Return kPa per (sensor, bin): supply less height, less a loss that grows with the DMA's flow."""
    rng = plan.rng("pressure")
    dmas, bins = inflow_l.shape
    smooth = np.apply_along_axis(lambda q: np.convolve(q, np.ones(3) / 3, mode="same"), 1, inflow_l)
    loss = HEAD_LOSS_KPA * np.minimum(smooth / np.quantile(smooth, 0.99, axis=1, keepdims=True), 1.3) ** 1.85
    floor = np.array([pressure_floor(faults, dma, bins) for dma in range(dmas)])
    sensors = dmas * SENSORS_A_DMA
    dma = np.repeat(np.arange(dmas), SENSORS_A_DMA)
    height = 9.81 * town.elevation_m[-sensors:, None]
    part = rng.uniform(0.5, 1.2, (sensors, 1))
    usual = SUPPLY_KPA - height * 0.6 - part * loss[dma] + wander(rng, (sensors, bins), 2.2, 0.9)
    deeper = rng.uniform(0, 12, (sensors, 1))
    return np.asarray(np.minimum(usual, floor[dma] - deeper + rng.normal(0, 1.5, (sensors, bins))))
