"""Writes the documents that follow from the code: `python -m jobs.docs` (or `make docs`).

A test compares them with what stands in docs/, so a setting or command can't go undocumented.
"""

import json
from collections.abc import Callable
from pathlib import Path

import typer
from prometheus_client.metrics import MetricWrapperBase
from pydantic.fields import FieldInfo
from typer.cli import get_docs_for_click

import api.metrics
import detection.metrics
import ingest.metrics
import jobs.metrics
import notify.metrics
from core.settings import Settings
from detection.page import filled

FOLDER = Path(__file__).parent.parent / "docs"


def settings_md() -> str:
    """Return docs/settings.md: every setting with its default and meaning."""
    lines = [
        "# Settings",
        "",
        "Environment variables, or lines of a `.env` file in the working directory. Made by `make docs`.",
        "",
        "| setting | default | allowed | meaning |",
        "|---|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        shown = json.dumps(field.default) if isinstance(field.default, dict) else str(field.default)
        default = f"`{shown}`" if shown.strip("*") else ""
        lines.append(f"| `HEADWATER_{name.upper()}` | {default} | {_allowed(field)} | {field.description} |")
    return "\n".join([*lines, ""])


def _allowed(field: FieldInfo) -> str:
    """Return the bounds of a number or the choices of a word, in words."""
    choices = getattr(field.annotation, "__args__", None)
    if choices and all(isinstance(choice, str) for choice in choices):
        return ", ".join(f"`{choice}`" for choice in choices)
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    return ", ".join(
        f"{sign} {getattr(rule, key)}"
        for rule in field.metadata
        for key, sign in signs.items()
        if getattr(rule, key, None) is not None
    )


def commands_md() -> str:
    """Return docs/commands.md: the help of every command."""
    from jobs.cli import app

    command = typer.main.get_command(app)
    text = get_docs_for_click(obj=command, ctx=typer.Context(command), name="headwater", title="Commands")
    return text.replace("# Commands\n", "# Commands\n\nMade by `make docs` from the commands' own help.\n", 1)


def endpoints_md() -> str:
    """Return docs/endpoints.md: every operation of the API with its scope, from its OpenAPI document."""
    from psycopg_pool import ConnectionPool

    from api.app import create_app
    from core.clock import SystemClock
    from jobs.letters import LiveLetters
    from jobs.preview import LiveRules
    from jobs.report import LivePress
    from sql.pool import Pool

    pool: Pool = ConnectionPool(open=False)
    settings = Settings.model_construct()
    parts = (LiveRules("", 8), LiveLetters(settings), LivePress(""))
    document = create_app(settings, SystemClock(), pool, *parts).openapi()
    lines = [
        "# Endpoints",
        "",
        "Made by `make docs` from the OpenAPI document; [api.md](api.md) says how to use them. What",
        "answers in JSON also takes `fields`.",
        "",
        "| | address | scope | parameters | what it does |",
        "|---|---|---|---|---|",
    ]
    for path, item in document["paths"].items():
        for method, operation in item.items():
            scopes = [scope for need in operation.get("security", ()) for scope in need["key"]]
            queries = [p["name"] for p in operation.get("parameters", ()) if p["in"] == "query"]
            given = [name for name in queries if name != "fields"]  # every one has it
            shown = [
                f"`{method.upper()}`",
                f"`{path}`",
                *(" ".join(f"`{n}`" for n in x) for x in (scopes, given)),
            ]
            lines.append("| " + " | ".join([*shown, operation["description"]]) + " |")
    return "\n".join([*lines, ""])


def metrics_md() -> str:
    """Return docs/metrics.md: what each role counts, by the room that counts it."""
    lines = [
        "# Metrics",
        "",
        "Prometheus metrics at `/metrics`: the API's on its port (scope `metrics:read`), the other roles' on",
        "their health ports ([settings.md](settings.md)). Made by `make docs`.",
        "",
        "| metric | type | labels | meaning |",
        "|---|---|---|---|",
    ]
    for module in (ingest.metrics, detection.metrics, notify.metrics, jobs.metrics, api.metrics):
        for metric in vars(module).values():
            if isinstance(metric, MetricWrapperBase):
                labels = ", ".join(f"`{name}`" for name in metric._labelnames)
                (family,) = metric.describe()
                name = family.name + ("_total" if family.type == "counter" else "")
                meaning = family.documentation.rstrip(".")
                lines.append(f"| `{name}` | {family.type} | {labels} | {meaning} |")
    return "\n".join([*lines, ""])


def detectors_md() -> str:
    """Return docs/detectors.md with the tables of parameters filled in from the catalogue."""
    return filled((FOLDER / "detectors.md").read_text("utf-8"))


PAGES: dict[str, Callable[[], str]] = {
    "detectors.md": detectors_md,
    "metrics.md": metrics_md,
    "settings.md": settings_md,
    "commands.md": commands_md,
    "endpoints.md": endpoints_md,
}


def main() -> None:
    """Write every page."""
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), "utf-8")


if __name__ == "__main__":
    main()
