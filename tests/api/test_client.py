"""A client is made of the OpenAPI document, whole, and a program that knows nothing else gets by with it."""

import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from tests.api.serving import Served
from tests.api.town import Town

HERE = Path(__file__).parent
LOCAL = HERE.parents[1] / ".local" / "client"
LOCK = HERE / "requirements-client.txt"


def run(*command: str | Path) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="session")
def elsewhere() -> Path:
    """Where the programs are of an environment with the generator and what clients need, no more."""
    LOCAL.mkdir(parents=True, exist_ok=True)
    made, venv = LOCAL / "lock.txt", LOCAL / "venv"
    if not made.exists() or made.read_bytes() != LOCK.read_bytes():
        run(sys.executable, "-m", "venv", "--clear", "--without-pip", venv)
        # By the pip that set-up uses: it knows the machine's index, proxy and certificates.
        run(sys.executable, "-m", "pip", "--python", venv, "install", "-q", "--require-hashes", "-r", LOCK)
        made.write_bytes(LOCK.read_bytes())
    return LOCAL / "venv" / "bin"


def test_a_stranger_gets_by_with_the_client_that_the_document_makes(
    served: Served, town: Town, elsewhere: Path, tmp_path: Path
) -> None:
    document = served.client.get("/openapi.json").json()
    (tmp_path / "openapi.json").write_text(json.dumps(document), "utf-8")
    (tmp_path / "config.yml").write_text("post_hooks: []\n", "utf-8")
    package = LOCAL / "headwater_client"
    said = run(
        *(elsewhere / "openapi-python-client", "generate", "--meta", "none", "--overwrite"),
        *("--path", tmp_path / "openapi.json", "--config", tmp_path / "config.yml", "--output-path", package),
    )
    for failure in ("Unable to", "will not be generated", "Could not find", "duplicate"):
        assert failure not in said, said
    operations = sum(len(item) for item in document["paths"].values())
    assert len([file for file in package.glob("api/*/*.py") if file.name != "__init__.py"]) == operations

    key = served.client.headers["Authorization"].removeprefix("Bearer ")
    program = tmp_path / "stranger.py"
    program.write_bytes((HERE / "stranger.py").read_bytes())
    (tmp_path / "headwater_client").symlink_to(package)
    seen = json.loads(run(elsewhere / "python", program, served.client.base_url, key, tmp_path / "arrow"))
    assert seen["events"] == sorted(seen["events"], reverse=True)
    assert set(seen["events"]) == {town.anna.event_id, town.bo.event_id, town.dma_event_id}
    assert seen["ticket"] == {
        "state": "acknowledged",
        "replayed": "true",
        "same": True,
        "refused": [409, "conflict"],
        "notes": 1,
    }
    rows = pa.ipc.open_stream((tmp_path / "arrow").read_bytes()).read_all()
    assert rows.num_rows == 24
    assert set(rows["volume_l"].to_pylist()) == {100.0}
