"""The commands about people: what they show fits a terminal, and they do what the rules do."""

import pytest
from typer.testing import CliRunner, Result

from jobs.staffing import crew, segment, staff
from service.routing import duty_desk
from sql.pool import Connection
from tests import samples
from tests.samples import NOW, Town


@pytest.fixture
def town(conn: Connection, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Town:
    monkeypatch.setenv("HEADWATER_DATABASE_URL", database_url)
    monkeypatch.setenv("COLUMNS", "80")
    return samples.town(conn)


def run(app: object, *words: str) -> Result:
    return CliRunner().invoke(app, list(words))  # type: ignore[arg-type]


def said(app: object, *words: str) -> str:
    result = run(app, *words)
    assert result.exit_code == 0, result.output + str(result.exception)
    return result.output


def test_staff_fits_eighty_columns_and_says_what_lies_on_the_desk(conn: Connection, town: Town) -> None:
    conn.execute("update staff set roles = '{admin,operations,manager}', phone = '+86 571 8800 1234'")
    output = said(staff, "list")
    assert all(len(line.rstrip()) <= 80 for line in output.splitlines())
    words = " ".join(output.split())
    for part in ("wangli", "王丽", "wangli@utility.example", "deputy chen", "always on the duty desk"):
        assert part in words
    assert "customers 1" in words


def test_away_back_and_leaving(conn: Connection, town: Town) -> None:
    said(staff, "away", "wangli", "--why", "flu", "--deputy", "desk", "--by", "boss")
    assert "away, desk stands in" in " ".join(said(staff, "list").split())
    assert "0 tickets back" in said(staff, "back", "wangli")
    assert "Give --to LOGIN, or --by-region" in str(run(staff, "leave", "wangli", "--note", "x").exception)
    left = said(staff, "leave", "wangli", "--to", "chen", "--note", "Retired.", "--by", "boss")
    assert "customers 1" in " ".join(left.split())
    assert "wangli has left" in left
    assert "wangli" not in said(staff, "list")
    assert "has left" in said(staff, "list", "--all")
    assert conn.execute("select actor, why from customer_change").fetchall() == [("boss", "Retired.")]
    assert [person.id for person in duty_desk(conn, NOW)] == [town.desk_id]


def test_crews_and_segments(conn: Connection, town: Town) -> None:
    said(crew, "set", "n1", "--name", "北一", "--lead", "chen", "--skill", "leak", "--region", "R1")
    assert "北一" in said(crew, "list")
    conn.execute("update customer set category = 'hospital'")
    assert "general -> special" in said(segment, "propose")
    assert conn.execute("select segment from customer").fetchall() == [("general",)]
    assert "1 customers changed" in said(segment, "apply", "--by", "boss")
    assert conn.execute("select segment, segment_by from customer").fetchall() == [("special", "rule")]
