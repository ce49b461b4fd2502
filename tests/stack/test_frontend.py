"""The console's libraries: brought once, by the lock; a registry that is away says what to do."""

from pathlib import Path

import pytest

from jobs.stack import frontend
from jobs.stack.errors import StackError


def _npm(folder: Path, script: str) -> Path:
    npm = folder / "npm"
    npm.write_text(f"#!/bin/sh\n{script}\n")
    npm.chmod(0o755)
    return npm


def test_libraries_that_are_there_are_not_fetched_again(tmp_path: Path) -> None:
    frontend.ensure_frontend(_npm(tmp_path, "exit 1"), lambda _: None)


def test_a_registry_that_is_away_is_said_with_its_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frontend, "VENDOR", tmp_path / "vendor")
    with pytest.raises(StackError, match="registry") as refused:
        frontend.ensure_frontend(_npm(tmp_path, "echo ENOTFOUND; exit 1"), lambda _: None)
    assert "ENOTFOUND" in str(refused.value)
    assert not (tmp_path / "vendor").exists()
