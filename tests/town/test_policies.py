"""The `headwater policy` command, as an operator meets it."""

import pytest
from typer.testing import CliRunner

from jobs.cli import app
from sql.pool import Connection
from tests import factories

RUN = CliRunner()
OPTIONS = ["--detector", "continuous_flow", "--scope", "meter", "--key", "m1"]


@pytest.fixture(autouse=True)
def _meter(database_url: str, conn: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADWATER_DATABASE_URL", database_url)
    meter_id = factories.customer(conn, "c1", "m1")
    conn.execute(
        "insert into reading (meter_id, ts, register_l, received_at) select %s, t, 30 * n, t from"
        " (select t, row_number() over (order by t) as n from generate_series("
        " date_trunc('hour', now()) - interval '5 days', now(), interval '1 hour') t) s",
        [meter_id],
    )


def test_tried_out_saved_listed_and_ended(conn: Connection) -> None:
    tried = RUN.invoke(app, ["policy", "preview", *OPTIONS, "--set", "threshold_lph=50", "--days", "7"])
    assert tried.exit_code == 0, tried.output
    assert "1 events without the draft, 0 with it" in tried.output
    assert "gone" in tried.output
    added = RUN.invoke(
        app, ["policy", "add", *OPTIONS, "--set", "threshold_lph=50", "--why", "pond", "--by", "li"]
    )
    assert added.exit_code == 0, added.output
    listed = RUN.invoke(app, ["policy", "list"], env={"COLUMNS": "200"}).output
    assert all(text in listed for text in ("threshold_lph=50", "meter m1", "pond", "li"))
    (id_,) = conn.execute("select id from detector_policy").fetchall()[0]
    assert RUN.invoke(app, ["policy", "end", str(id_), "--why", "dry", "--by", "li"]).exit_code == 0
    assert "pond" not in RUN.invoke(app, ["policy", "list"]).output
    assert "pond" in RUN.invoke(app, ["policy", "list", "--all"], env={"COLUMNS": "200"}).output


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([*OPTIONS, "--set", "threshold_lph"], "name=number"),
        ([*OPTIONS, "--set", "colour=3"], "no parameter 'colour'"),
        (["--detector", "continuous_flow", "--scope", "dma", "--key", "d9"], "no dma 'd9'"),
    ],
)
def test_what_makes_no_sense_is_refused(options: list[str], says: str) -> None:
    assert says in str(RUN.invoke(app, ["policy", "preview", *options]).exception)
