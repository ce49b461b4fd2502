"""What cannot be built here is at least consistent: the image's files exist, no secret has a default."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from jobs.stack import frontend, mosquitto
from jobs.stack.paths import PROJECT

DEPLOY = PROJECT / "deploy"


def copied() -> list[str]:
    return re.findall(r"^COPY ([\w.]+) ", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)


def test_image_copies_what_exists_and_every_package() -> None:
    assert all((PROJECT / name).exists() for name in copied())
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    assert set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) <= set(copied())
    let_in = re.findall(r"^!(\S+)$", (DEPLOY / "Dockerfile.dockerignore").read_text(), re.MULTILINE)
    assert sorted(let_in) == sorted(copied())


def test_image_serves_the_console_what_set_up_would() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    copies = dict(re.findall(r"cp node_modules/(\S+) vendor/(\S+)", text))
    assert {name: source for source, name in copies.items()} == frontend.SERVED


def test_every_password_has_to_be_set() -> None:
    variables = re.findall(r"\$\{([^}]*)\}", (DEPLOY / "compose.yaml").read_text())
    assert variables
    assert all(":?" in variable for variable in variables)


def test_every_role_has_its_service_and_its_own_health() -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    for role in ("migrate", "ingest", "detect", "notify", "api", "jobs"):
        assert f'\n  {role}:\n    <<: *role\n    command: ["{role}"]' in text
    addresses = re.findall(r"HEALTH_URL: (\S+)", text)
    assert len(addresses) == len(set(addresses)) == 5


def test_broker_is_set_as_the_one_that_the_tests_run_on() -> None:
    private = set(mosquitto.SETTINGS.splitlines())
    deployed = set((DEPLOY / "mosquitto.conf").read_text().splitlines())
    keys = ("set_tcp_nodelay", "max_", "persistence ", "autosave_interval", "log_type", "connection_messages")
    for keyword in keys:
        expected = {line for line in private if line.startswith(keyword)}
        assert expected
        assert expected == {line for line in deployed if line.startswith(keyword)}


@pytest.mark.skipif(
    shutil.which("docker") is None
    or subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode != 0,  # noqa: S607
    reason="needs docker compose",
)
def test_compose_file_is_valid(tmp_path: Path) -> None:
    env = tmp_path / "env"
    env.write_text("HEADWATER_DB_PASSWORD=x\nHEADWATER_MQTT_PASSWORD=y\n")
    command = [
        "docker",
        "compose",
        "--env-file",
        str(env),
        "-f",
        str(DEPLOY / "compose.yaml"),
        "config",
        "-q",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
