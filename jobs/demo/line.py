"""The demo's line: its topics, its mail server, and the roles as processes of their own."""

import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Mailbox

from core.errors import InfrastructureError
from jobs.publisher import Publisher
from jobs.stack.process import free_port
from jobs.up import command

ROLES = ("ingest", "detect", "notify", "api")


def topic(name: str, meter: str) -> str:
    """Return the topic of a meter in the demo `name`: none that real meters publish on."""
    return f"{name}/{meter}/readings"


def forget_session(mqtt_url: str, name: str) -> None:
    """Let the broker drop what it held for the ingester of an earlier demo of this name."""
    with Publisher(mqtt_url, client_id=name):
        pass


@contextmanager
def mail_server(mailbox: Path) -> Iterator[str]:
    """Run an SMTP server that keeps what it takes in a Maildir; yield its URL."""
    port = free_port()
    controller = Controller(Mailbox(mailbox), hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield f"smtp://127.0.0.1:{port}"
    finally:
        controller.stop()


@dataclass
class Role:
    """A role that runs."""

    name: str
    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def healthy(self) -> bool:
        """Whether it answers that all is well; raises InfrastructureError when it has ended."""
        if self.process.poll() is not None:
            tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-8:])
            raise InfrastructureError(
                f"`headwater {self.name}` ended with code {self.process.returncode}.\n{tail}",
                cure=f"Its log is {self.log}.",
            )
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


@contextmanager
def roles(
    env: Mapping[str, str], logs: Path, api_port: int, names: tuple[str, ...] = ROLES
) -> Iterator[list[Role]]:
    """Start the roles, as `headwater up` does but each with a log of its own; stop them in order."""
    logs.mkdir(parents=True, exist_ok=True)
    started: list[Role] = []
    try:
        for name in names:
            port = api_port if name == "api" else free_port()
            variable = "HEADWATER_API_PORT" if name == "api" else f"HEADWATER_{name.upper()}_HEALTH_PORT"
            log = logs / f"{name}.log"
            with log.open("wb") as out:
                process = subprocess.Popen(
                    command(name),
                    env={**os.environ, **env, variable: str(port)},
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    start_new_session=sys.platform != "win32",
                )
            started.append(Role(name, process, port, log))
        yield started
    finally:
        for role in started:
            if role.process.poll() is None:
                role.process.terminate()
        for role in started:
            try:
                role.process.wait(20)
            except subprocess.TimeoutExpired:
                role.process.kill()
                role.process.wait()
