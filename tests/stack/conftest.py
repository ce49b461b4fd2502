"""A `.local` of one's own, with the servers that are unpacked already."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.stack import servers
from jobs.stack.fetch import ensure_root
from jobs.stack.paths import local_dir, quiet, stack_dir


def new_local(patch: pytest.MonkeyPatch) -> Path:
    """Make a `.local` that the servers' account can enter, and turn to it."""
    folder = Path(tempfile.mkdtemp(prefix="headwater-test-"))
    folder.chmod(0o755)
    patch.setenv("HEADWATER_LOCAL", str(folder))
    patch.setenv("HEADWATER_DATABASE_URL", "")
    patch.setenv("HEADWATER_MQTT_URL", "")
    patch.delenv("HEADWATER_APT_MIRROR", raising=False)
    return folder


@pytest.fixture
def empty_local(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A `.local` with nothing in it."""
    folder = new_local(monkeypatch)
    yield folder
    monkeypatch.setenv("HEADWATER_LOCAL", str(folder))
    shutil.rmtree(stack_dir(), ignore_errors=True)
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def unpacked() -> Path:
    """The unpacked servers of this clone."""
    return ensure_root(quiet).path


@pytest.fixture
def fresh_local(unpacked: Path, empty_local: Path) -> Iterator[Path]:
    """A `.local` with the servers unpacked and never started."""
    (stack_dir() / "root").symlink_to(unpacked)
    yield local_dir()
    servers.down()


@pytest.fixture(scope="session")
def made_run(unpacked: Path) -> Iterator[Path]:
    """The data of servers that were started and stopped once."""
    with pytest.MonkeyPatch.context() as patch:
        folder = new_local(patch)
        (stack_dir() / "root").symlink_to(unpacked)
        with servers.stack_session():
            pass
    yield folder / "stack" / "run"
    shutil.rmtree(folder)


@pytest.fixture
def own_local(made_run: Path, fresh_local: Path) -> Path:
    """A `.local` with servers that are set up and stopped."""
    subprocess.run(["/bin/cp", "-a", str(made_run), str(stack_dir() / "run")], check=True)
    return fresh_local
