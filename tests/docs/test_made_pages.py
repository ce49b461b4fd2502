"""Pages that follow from the code are what the code says now."""

import pytest

from jobs.docs import FOLDER, PAGES


@pytest.mark.parametrize("name", PAGES)
def test_page_is_current(name: str) -> None:
    written = (FOLDER / name).read_text("utf-8")
    assert written == PAGES[name](), f"docs/{name} is out of date: run `make docs`"
