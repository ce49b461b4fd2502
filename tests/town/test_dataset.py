from dataclasses import fields
from datetime import UTC, datetime, time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.batch import ReadingBatch, concat
from core.words import Flag, MeterKind, Sector
from jobs.dataset import DatasetError, MeterRow, ReadingWriter, open_dataset, write_table
from jobs.dataset.order import by_received, sort_by_received
from tests.town.folders import CUSTOMERS, DMAS, METERS, READINGS, batch, folder


def same(one: ReadingBatch, other: ReadingBatch) -> bool:
    return all(
        np.array_equal(getattr(one, f.name), getattr(other, f.name), equal_nan=f.name not in {"ts", "flags"})
        for f in fields(ReadingBatch)
    )


def test_a_folder_is_read_with_types_defaults_and_units(tmp_path: Path) -> None:
    dataset = open_dataset(folder(tmp_path))
    (readings,) = dataset.readings()
    assert dataset.dmas[0].night_start == time(1, 30)
    assert dataset.dmas[0].night_end == time(4)
    assert dataset.customers[1].sector is Sector.INDUSTRIAL
    assert dataset.meters[0].kind is MeterKind.CUSTOMER
    assert dataset.meters[0].resolution_l is None
    assert readings.meter_id.tolist() == [0, 1, 0]
    assert readings.ts.tolist() == [1767225600000000, 1767225610000000, 1767229200000000]
    assert readings.register_l.tolist() == [10, 20.5, 11]
    assert readings.flags.tolist() == [0, Flag.LEAK | Flag.LOW_BATTERY, 0]
    assert readings.received_at.tolist()[2] == readings.ts.tolist()[2]
    assert np.isnan(readings.flow_lph).all()
    assert dataset.extent.rows == 3


def test_only_meters_and_readings_are_needed(tmp_path: Path) -> None:
    dataset = open_dataset(folder(tmp_path, customers="", dmas=""))
    assert dataset.utility is None
    assert len(dataset.meters) == 2


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_what_is_written_is_read_again(tmp_path: Path, form: str) -> None:
    made = batch(
        [0, 1, 0], [1.5e9, 1.5e9 + 0.25, 1.5e9 + 900],
        register_l=[1e9 + 0.1, np.nan, 7.25], pressure_kpa=[np.nan, 310.2, np.nan],
        flags=[0, Flag.BURST | Flag.TAMPER, 0], received_s=[1.5e9 + 3, 1.5e9 + 9, 1.5e9 + 903],
    )  # fmt: skip
    meters = [
        MeterRow("a,b", q3_lph=2500.0, removed_at=datetime(2026, 1, 1, tzinfo=UTC)),
        MeterRow("青", MeterKind.PRESSURE, x=1.25),
    ]
    write_table(tmp_path, "meters", meters, form)  # type: ignore[arg-type]
    with ReadingWriter(tmp_path, ["a,b", "青"], form) as writer:  # type: ignore[arg-type]
        writer.write(made)
        writer.write(made)
    dataset = open_dataset(tmp_path)
    assert dataset.meters == meters
    assert same(concat(list(dataset.readings())), concat([made, made]))


def test_readings_are_chosen_by_meter_and_time(tmp_path: Path) -> None:
    dataset = open_dataset(folder(tmp_path))
    at = datetime(2026, 1, 1, 1, tzinfo=UTC)
    assert [len(b) for b in dataset.readings(meters=["m2"])] == [1]
    assert [len(b) for b in dataset.readings(start=at)] == [1]
    assert [len(b) for b in dataset.readings(end=at)] == [2]
    with pytest.raises(DatasetError, match="no meter m9"):
        list(dataset.readings(meters=["m9"]))


def test_readings_are_put_in_the_order_received(tmp_path: Path) -> None:
    dataset = open_dataset(folder(tmp_path))
    assert concat(list(dataset.in_order_received())).ts.tolist() == [
        1767225600000000,
        1767229200000000,
        1767225610000000,
    ]


def test_sorting_on_disk_gives_what_sorting_in_memory_gives() -> None:
    rng = np.random.default_rng(3)
    parts = [
        batch(
            rng.integers(0, 5, 400), rng.integers(0, 9000, 400), received_s=rng.integers(0, 9000, 400),
            register_l=rng.random(400),
        )
        for _ in range(5)
    ]  # fmt: skip
    got = concat(list(by_received(lambda: iter(parts))))
    wanted = sort_by_received(concat(parts))
    assert (got.received_at == wanted.received_at).all()
    assert sorted(got.register_l) == sorted(wanted.register_l)


BAD_TABLES = [
    ("meters", METERS.replace("q3_lph", "q3"), r"meters\.csv, line 1, column q3: unknown column\. Remove or rename"),  # noqa: E501
    ("meters", "meter,meter\na,b\n", r"line 1, column meter: the column stands twice\. Keep one"),
    ("meters", "kind\ncustomer\n", r"line 1, column meter: the column is missing\. Add it"),
    ("meters", METERS.replace("m2,customer", "m2,valve"), r"line 3, column kind: 'valve' is not one of customer"),  # noqa: E501
    ("meters", METERS.replace("2500", "fast", 1), r"line 2, column q3_lph: 'fast' is not a number"),
    ("meters", METERS.replace("2500", "nan", 1), r"line 2, column q3_lph: 'nan' is not a finite number"),
    ("meters", METERS.replace("2500", "0", 1), r"line 2, column q3_lph: '0' is not a number above 0"),
    ("meters", METERS.replace("3600", "12.5", 1), r"line 2, column interval_s: '12.5' is not a whole number"),
    ("meters", METERS.replace("m2", "m1"), r"line 3, column meter: 'm1' stands in line 2 already"),
    ("meters", METERS.replace("c2", "c9"), r"line 3, column customer: 'c9' does not stand in customers\.csv\. Add"),  # noqa: E501
    ("meters", METERS.replace("m2,customer", "m2"), r"line 3: 5 values where the header has 6\. Check the commas"),  # noqa: E501
    ("meters", METERS.replace("m2", ""), r"line 3, column meter: the value is missing\. Fill it in"),
    ("meters", "meter,installed_at\na,2026-01-01\n", r"line 2, column installed_at: .*offset from UTC: append Z"),  # noqa: E501
    ("meters", METERS.encode("utf-16"), r"meters\.csv, line 1: not UTF-8\. Save the file as UTF-8"),
    ("dmas", DMAS.replace("01:30", "half two"), r"dmas\.csv, line 2, column night_start: 'half two' is not a time"),  # noqa: E501
    ("customers", CUSTOMERS.replace("c2,云河厂", 'c2,"云河厂'), r"customers\.csv, line 3: not CSV .*quotes"),
    ("balances", "customer,balance,as_of\nc1,1,soon\n", r"line 2, column as_of: 'soon' is not a day such as"),
    ("balances", "customer,balance,as_of\nc1,1e12,2026-01-01\n", r"column balance: '1e12' is not a number of 1e\+10"),  # noqa: E501
    ("balances", "customer,balance,as_of\nc9,1,2026-01-01\n", r"column customer: 'c9' does not stand in customers"),  # noqa: E501
    ("utility", "name,timezone\nA,Mars/Base\n", r"line 2, column timezone: 'Mars/Base' is not a time zone\. Write"),  # noqa: E501
    ("utility", "name\nA\nB\n", r"utility\.csv: 2 rows\. Describe one"),
    ("outages", "outage,kind,dma,reason,start,expected_end\no,planned,d1,x,2026-01-02T00:00:00Z,2026-01-01T00:00:00Z\n",  # noqa: E501
     r"outages\.csv, line 2, column expected_end: expected_end is not after start"),
]  # fmt: skip


@pytest.mark.parametrize(("stem", "text", "message"), BAD_TABLES)
def test_a_bad_table_is_refused_with_its_place_and_the_cure(
    tmp_path: Path, stem: str, text: str | bytes, message: str
) -> None:
    with pytest.raises(DatasetError, match=message):
        open_dataset(folder(tmp_path, **{stem: text}))


BAD_READINGS = [
    (READINGS.replace("register_l", "register"), r"readings\.csv, line 1, column register: unknown column"),
    (READINGS.replace("m2,", "m7,"), r"readings\.csv, line 3, column meter: 'm7' does not stand in meters"),
    (READINGS.replace("2026-01-01T01:00:00Z", "yesterday"), r"line 4, column ts: 'yesterday' is not a time"),
    (
        READINGS.replace("01:00:00Z", "01:00:00"),
        r"line 4, column ts: .* is not a time with its offset from UTC",
    ),
    (READINGS.replace("2026-01-01T01:00:00Z", ""), r"line 4, column ts: the time is missing"),
    (READINGS.replace("20.5", "much"), r"line 3, column register_l: 'much' is not a number"),
    (READINGS.replace("20.5", "inf"), r"line 3, column register_l: 'inf' is not a finite number"),
    (READINGS.replace("leak;", "leek;"), r"line 3, column flags: 'leek;low_battery' is not made of flags"),
    (READINGS.replace(",11,,", ",11,"), r"line 4: 4 values where the header has 5"),
    (
        READINGS.replace("\nm2", "\n\nm2"),
        r"line 3, column meter: the meter is missing\. Fill it in; leave no line empty",
    ),
    ("", r"readings\.csv, line 1: the file is empty"),
]


@pytest.mark.parametrize(("text", "message"), BAD_READINGS)
def test_bad_readings_are_refused_with_their_place_and_the_cure(
    tmp_path: Path, text: str, message: str
) -> None:
    path = folder(tmp_path)
    (path / "readings.csv").write_text(text)
    with pytest.raises(DatasetError, match=message):
        list(open_dataset(path).readings())


def test_the_line_of_a_fault_is_right_far_into_a_large_file(tmp_path: Path) -> None:
    rows = [f"m1,2026-01-01T00:00:00Z,{n},,{'' if n != 299_998 else 'never'}\n" for n in range(300_000)]
    path = folder(tmp_path, readings=READINGS.splitlines()[0] + "\n" + "".join(rows))
    with pytest.raises(DatasetError, match=r"line 300000, column received_at: 'never'"):
        list(open_dataset(path).readings())


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("ts", pa.array(["2026-01-01"]), r"readings\.parquet, column ts: its type is string.*time zone UTC"),
        ("ts", pa.array([0], pa.timestamp("ns")), r"column ts: its type is timestamp\[ns\]"),
        ("register_l", pa.array(["1"]), r"column register_l: its type is string\. Write it as double"),
        ("register_l", pa.array([float("inf")]), r"row 1, column register_l: inf is not a finite number"),
        ("meter", pa.array(["m7"]), r"row 1, column meter: 'm7' does not stand in meters"),
        ("volume", pa.array([1.0]), r"column volume: unknown column"),
    ],
)
def test_bad_parquet_is_refused(tmp_path: Path, column: str, values: pa.Array, message: str) -> None:
    path = folder(tmp_path, readings="")
    (path / "readings.csv").unlink(missing_ok=True)
    columns = {
        "meter": pa.array(["m1"]),
        "ts": pa.array([0], pa.timestamp("ns", "UTC")),
        "register_l": pa.array([1.0]),
    }
    pq.write_table(pa.table(columns | {column: values}), path / "readings.parquet")
    with pytest.raises(DatasetError, match=message):
        list(open_dataset(path).readings())


@pytest.mark.parametrize(
    ("stems", "message"),
    [
        (["meters"], r"no readings\.csv or readings\.parquet"),
        (["readings"], r"no meters\.csv or meters\.parquet"),
    ],
)
def test_a_folder_that_lacks_a_needed_file_is_refused(tmp_path: Path, stems: list[str], message: str) -> None:
    path = folder(tmp_path)
    for file in path.iterdir():
        if file.stem not in stems:
            file.unlink()
    with pytest.raises(DatasetError, match=message):
        open_dataset(path)


def test_two_forms_of_one_file_and_a_missing_folder_are_refused(tmp_path: Path) -> None:
    path = folder(tmp_path)
    (path / "readings.parquet").write_bytes(b"")
    with pytest.raises(DatasetError, match=r"both readings\.csv and readings\.parquet are there"):
        open_dataset(path)
    with pytest.raises(DatasetError, match="no such folder"):
        open_dataset(tmp_path / "nowhere")
