"""A stranger's fuzzer reads the OpenAPI document and finds no answer that it doesn't describe, nor a 5xx."""

from pathlib import Path

import pytest

from api import keys, limits, tokens
from core.clock import SetClock
from sql.pool import Connection
from tests.api.elsewhere import run
from tests.api.serving import Served

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,ignored_auth"
)
SEED = 20261121


def fuzz(schemathesis: Path, url: str, key: str, folder: Path, *more: str) -> None:
    command = [
        *(schemathesis, "run", f"{url}/openapi.json", "-u", url, "-H", f"Authorization: Bearer {key}"),
        *("--phases", "examples,coverage,fuzzing", "--max-examples", "4", "--no-shrink", "--seed", SEED),
        *("--checks", CHECKS, "--continue-on-failure", "--request-timeout", "20", "--warnings", "off", *more),
    ]
    run(*map(str, command), cwd=folder)


def test_a_fuzzer_finds_no_server_error_and_no_answer_that_is_not_documented(
    served: Served,
    clock: SetClock,
    conn: Connection,
    elsewhere: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Customers' own operations are asked with a customer's token; the endless stream has its own tests."""
    monkeypatch.setattr(tokens, "REQUESTS_A_MINUTE", 1_000_000)
    monkeypatch.setattr(limits, "FAILURES_A_MINUTE", 1_000_000)  # wrong keys are tried, too
    key = keys.create(conn, "fuzz", list(keys.SCOPES), clock.now(), requests_a_minute=1_000_000)
    issued = served.client.post("/v1/me/tokens", json={"account_no": "A1"}).json()["token"]
    url, own = str(served.client.base_url).rstrip("/"), "^/v1/me(/(?!tokens)|$)"
    fuzz(elsewhere / "schemathesis", url, key, tmp_path, "--exclude-path-regex", f"{own}|^/v1/stream$")
    fuzz(elsewhere / "schemathesis", url, issued, tmp_path, "--include-path-regex", own)
