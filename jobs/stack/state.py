"""What is remembered between runs about the private servers: `run/state.json`. Standard library only."""

import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path

from jobs.stack.process import Identity


@dataclass
class State:
    """Ports are kept from run to run; `kept` means started by hand, so that no test run stops the servers."""

    password: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    postgres_port: int = 0
    scratch_port: int = 0
    mqtt_port: int = 0
    kept: bool = False
    users: list[Identity] = field(default_factory=list)

    def forget_the_dead(self) -> None:
        """Drop users that ended without saying so."""
        self.users = [user for user in self.users if user.alive()]


def load(path: Path) -> State:
    """Return the state in `path`, a new one where there is none."""
    try:
        fields = json.loads(path.read_text())
    except FileNotFoundError:
        return State()
    fields["users"] = [Identity(**user) for user in fields["users"]]
    return State(**fields)


def save(path: Path, state: State) -> None:
    """Write the state in one step, readable by us alone: it holds the database password."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
        json.dump(asdict(state), handle, indent=1)
    fresh.rename(path)
