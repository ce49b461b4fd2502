"""A client is made of the OpenAPI document, whole, and a program that knows nothing else gets by with it."""

import json
from pathlib import Path

import pyarrow as pa

from tests.api.elsewhere import PACKAGE, run
from tests.api.serving import Served
from tests.api.town import Town

HERE = Path(__file__).parent


def test_a_stranger_gets_by_with_the_client_that_the_document_makes(
    served: Served, town: Town, elsewhere: Path, tmp_path: Path
) -> None:
    document = served.client.get("/openapi.json").json()
    (tmp_path / "openapi.json").write_text(json.dumps(document), "utf-8")
    (tmp_path / "config.yml").write_text("post_hooks: []\n", "utf-8")
    said = run(
        *(elsewhere / "openapi-python-client", "generate", "--meta", "none", "--overwrite"),
        *("--path", tmp_path / "openapi.json", "--config", tmp_path / "config.yml", "--output-path", PACKAGE),
    )
    for failure in ("Unable to", "will not be generated", "Could not find", "duplicate"):
        assert failure not in said, said
    operations = sum(len(item) for item in document["paths"].values())
    assert len([file for file in PACKAGE.glob("api/*/*.py") if file.name != "__init__.py"]) == operations

    key = served.client.headers["Authorization"].removeprefix("Bearer ")
    program = tmp_path / "stranger.py"
    program.write_bytes((HERE / "stranger.py").read_bytes())
    (tmp_path / "headwater_client").symlink_to(PACKAGE)
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
