"""docs/datasets.md names every file and column that is read, and no other."""

import re
from dataclasses import MISSING, fields
from pathlib import Path

from core.batch import READING_COLUMNS
from jobs.dataset.rows import TABLES

PAGE = Path(__file__).parents[2] / "docs" / "datasets.md"


def test_every_file_and_column_is_documented() -> None:
    rows = re.findall(r"^\| `(\w+)`.*? \| (.+) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    documented = {name: [c.strip() for c in columns.split(",")] for name, columns in rows}
    wanted = {
        name: [f"**{f.name}**" if f.default is MISSING else f.name for f in fields(row)]
        for name, row in TABLES.items()
    }
    wanted["readings"] = [f"**{c}**" if c in {"meter", "ts"} else c for c in READING_COLUMNS]
    assert documented == wanted
