"""Dataset folders: read, check and write the format of docs/datasets.md."""

from jobs.dataset.folder import Dataset, open_dataset
from jobs.dataset.rows import (
    BalanceRow,
    CustomerRow,
    DatasetError,
    DmaRow,
    MeterRow,
    NodeRow,
    OutageRow,
    PipeRow,
    StaffRow,
    UtilityRow,
    WeatherRow,
)
from jobs.dataset.writer import ReadingWriter, write_table

__all__ = [
    "BalanceRow",
    "CustomerRow",
    "Dataset",
    "DatasetError",
    "DmaRow",
    "MeterRow",
    "NodeRow",
    "OutageRow",
    "PipeRow",
    "ReadingWriter",
    "StaffRow",
    "UtilityRow",
    "WeatherRow",
    "open_dataset",
    "write_table",
]
