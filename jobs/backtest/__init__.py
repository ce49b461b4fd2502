"""Run the detectors over a dataset folder as if it were live."""

from jobs.backtest.run import Course, backtest

__all__ = ["Course", "backtest"]
