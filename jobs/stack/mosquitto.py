"""One private Mosquitto: start, stop. Standard library only."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from jobs.stack.errors import StackError
from jobs.stack.fetch import Root
from jobs.stack.paths import Account
from jobs.stack.process import Identity, answers, command_line, identify, spawn, stop, tail, wait_until

# Zero means no limit: while the database is away the broker's queue holds every reading.
SETTINGS = """\
listener {port} 127.0.0.1
allow_anonymous true
set_tcp_nodelay true
max_inflight_messages 0
max_queued_messages 0
max_packet_size 16777216
persistence true
persistence_location {directory}/
autosave_interval 60
pid_file {directory}/mosquitto.pid
log_dest stderr
log_type error
log_type warning
log_type notice
connection_messages false
"""


@dataclass(frozen=True)
class Broker:
    """A broker that keeps its sessions and queues in `directory`, run by `account` (None: by us)."""

    root: Root
    directory: Path
    log: Path
    account: Account | None

    def make(self) -> None:
        """Create the broker's folder unless it is there."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.account is not None:
            os.chown(self.directory, self.account.uid, self.account.gid)

    def running(self) -> Identity | None:
        """Return the broker that runs in this folder, whoever started it."""
        try:
            pid = int((self.directory / "mosquitto.pid").read_text())
        except (FileNotFoundError, ValueError):
            return None
        process = identify(pid)
        return process if process and str(self._config) in command_line(pid) else None

    def start(self, port: int) -> Identity:
        """Start the broker and wait until it takes connections."""
        self._config.write_text(SETTINGS.format(port=port, directory=self.directory))
        self._config.chmod(0o644)
        (self.directory / "mosquitto.pid").unlink(missing_ok=True)
        process = spawn([str(self.root.mosquitto), "-c", str(self._config)], self.log, self.account)

        def settled() -> bool:
            return (
                process is None
                or not process.alive()
                or (self.running() == process and answers("127.0.0.1", port))
            )

        try:
            # Loading a queue of a million messages takes a while.
            wait_until(settled, 120, "Mosquitto to take connections")
        except TimeoutError as late:
            raise StackError(
                f"Mosquitto is not ready: {late}. Its log {self.log} ends with:\n{tail(self.log)}"
            ) from None
        if process is None or not process.alive():
            raise StackError(f"Mosquitto did not start. Its log {self.log} ends with:\n{tail(self.log)}")
        return process

    def stop(self) -> None:
        """Stop the broker in order: it saves sessions and queues first."""
        process = self.running()
        if process is not None:
            stop(process, signal.SIGTERM, 60)

    @property
    def _config(self) -> Path:
        return self.directory / "mosquitto.conf"
