"""Set-up makes anew what is half made, and leaves alone what is whole."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.stack import bootstrap
from jobs.stack.errors import StackError
from jobs.stack.paths import PROJECT

NO_LOCK = 2


class Steps:
    """What set-up runs, noted instead of run; a virtual environment gets its Python."""

    def __init__(self, venv: Path) -> None:
        self.venv = venv
        self.done: list[str] = []
        self.fail_at = ""

    def __call__(self, command: list[str], what: str, lock: int) -> None:
        if what == self.fail_at:
            raise StackError(f"Could not {what}.")
        self.done.append(what)
        if what == "make .venv":
            (self.venv / "bin").mkdir(parents=True)
            (self.venv / "bin/python").symlink_to(sys.executable)


@pytest.fixture
def steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Steps:
    for name in ("requirements-dev.txt", "pyproject.toml"):
        (tmp_path / name).write_text("first")
    monkeypatch.setattr(bootstrap, "PROJECT", tmp_path)
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(bootstrap, "STAMP", tmp_path / ".venv/headwater.stamp")
    monkeypatch.setattr(bootstrap, "LOCK", tmp_path / "requirements-dev.txt")
    steps = Steps(tmp_path / ".venv")
    monkeypatch.setattr(bootstrap, "_run", steps)
    monkeypatch.setattr(bootstrap, "ensure_root", lambda _, patchelf: patchelf())
    return steps


# Debian's bare Python has no ensurepip: there, set-up brings pip itself
PIP = [] if importlib.util.find_spec("ensurepip") else ["install pip"]
ALL = ["make .venv", *PIP, "install the locked packages", "install headwater"]


def test_second_run_has_nothing_to_do(steps: Steps) -> None:
    bootstrap.set_up(NO_LOCK)
    assert steps.done == ALL
    bootstrap.set_up(NO_LOCK)
    assert steps.done == ALL


def test_half_made_environment_is_made_anew(steps: Steps) -> None:
    steps.fail_at = "install the locked packages"
    with pytest.raises(StackError):
        bootstrap.set_up(NO_LOCK)
    (steps.venv / "leftover").touch()
    steps.fail_at, steps.done = "", []
    bootstrap.set_up(NO_LOCK)
    assert steps.done == ALL
    assert not (steps.venv / "leftover").exists()


def test_changed_lock_makes_the_environment_anew_and_changed_project_installs_only_itself(
    steps: Steps, tmp_path: Path
) -> None:
    bootstrap.set_up(NO_LOCK)
    steps.done = []
    (tmp_path / "pyproject.toml").write_text("second")
    bootstrap.set_up(NO_LOCK)
    assert steps.done == ["install headwater"]
    steps.done = []
    (tmp_path / "requirements-dev.txt").write_text("second")
    bootstrap.set_up(NO_LOCK)
    assert steps.done == ALL


def test_environment_whose_python_is_gone_is_made_anew(steps: Steps) -> None:
    bootstrap.set_up(NO_LOCK)
    (steps.venv / "bin/python").unlink()
    (steps.venv / "bin/python").symlink_to("/nowhere/python3")
    steps.done = []
    bootstrap.set_up(NO_LOCK)
    assert steps.done == ALL


def test_missing_python_is_told_with_the_cure() -> None:
    command = ["/usr/bin/make", "-C", str(PROJECT), "setup", "PYTHON="]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "needs Python 3.11 or newer" in done.stderr
    assert "apt-get install python3" in done.stderr


def test_set_up_imports_nothing_but_the_standard_library() -> None:
    code = "import sys; sys.path.insert(0, '.'); import jobs.stack.bootstrap"
    subprocess.run([sys.executable, "-I", "-S", "-c", code], cwd=PROJECT, check=True)
