"""One private TimescaleDB cluster: make, start, stop. Standard library only."""

import contextlib
import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jobs.stack.errors import StackError
from jobs.stack.fetch import Root
from jobs.stack.paths import Account
from jobs.stack.process import (
    Identity,
    as_account,
    command_line,
    identify,
    server_env,
    spawn,
    stop,
    tail,
    wait_until,
)

StopMode = Literal["fast", "immediate"]
SUPERUSER = "headwater"
START_TIMEOUT_S = 120.0
ZONES = Path("/usr/share/zoneinfo")
MEMORY = Path("/dev/shm")  # noqa: S108 - a file system in memory, for files that are private to us

# fsync and synchronous_commit stay on: an acknowledged reading is a durable one, here too.
SETTINGS = """\
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
max_connections = 200
shared_preload_libraries = 'timescaledb'
timescaledb.telemetry_level = off
max_worker_processes = 32
max_locks_per_transaction = 256
shared_buffers = 512MB
effective_cache_size = 8GB
work_mem = 32MB
maintenance_work_mem = 256MB
dynamic_shared_memory_type = {shared_memory}
max_wal_size = 4GB
checkpoint_timeout = 15min
wal_compression = lz4
random_page_cost = 1.1
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
datestyle = 'iso, ymd'
lc_messages = 'C'
password_encryption = 'scram-sha-256'
log_line_prefix = '%m [%p] %d '
log_checkpoints = off
"""
# For a cluster that nobody needs after a crash: the tests make and drop two thousand databases in it.
VOLATILE = """\
fsync = off
full_page_writes = off
wal_compression = off
shared_buffers = 128MB
max_wal_size = 256MB
"""
ACCESS = "host all all 127.0.0.1/32 scram-sha-256\n"


@dataclass(frozen=True)
class Cluster:
    """A cluster in `directory` with its log beside it, run by `account` (None: by us).

    A `volatile` one is quick, and lost when the machine crashes.
    """

    root: Root
    directory: Path
    log: Path
    account: Account | None
    volatile: bool = False

    def make(self, password: str) -> None:
        """Create the cluster unless it is there; a half-made one is made anew."""
        if self.directory.exists():
            return
        if not ZONES.is_dir():
            raise StackError(f"PostgreSQL needs the time zones in {ZONES}.\nAs root: apt-get install tzdata")
        partial = self.directory.with_name(f"{self.directory.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(mode=0o700, parents=True)
        secret = partial.with_name(f"{self.directory.name}.secret")
        secret.touch(mode=0o600)
        secret.write_text(password)
        if self.account is not None:
            os.chown(partial, self.account.uid, self.account.gid)
            os.chown(secret, self.account.uid, self.account.gid)
        command = [str(self.root.postgres_bin / "initdb"), "-D", str(partial), "-U", SUPERUSER]
        # The builtin provider sorts alike on every machine, whatever its C library.
        command += ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command += ["--auth=scram-sha-256", f"--pwfile={secret}", *(["--no-sync"] if self.volatile else [])]
        done = subprocess.run(
            command,
            cwd="/",
            env=server_env(),
            capture_output=True,
            text=True,
            check=False,
            **as_account(self.account),  # type: ignore[call-overload]
        )
        secret.unlink()
        if done.returncode != 0:
            raise StackError(
                f"PostgreSQL could not make its cluster in {partial}:\n{done.stderr.strip()[-800:]}"
            )
        partial.rename(self.directory)

    def running(self) -> Identity | None:
        """Return the server that runs on this cluster, whoever started it."""
        try:
            pid = int((self.directory / "postmaster.pid").read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return None
        process = identify(pid)
        return process if process and str(self.directory) in command_line(pid) else None

    def start(self, port: int) -> Identity:
        """Start the server and wait until it takes connections; recovery after a crash is part of that."""
        memory = "posix" if roomy_memory(256e6) else "mmap"
        settings = SETTINGS.format(port=port, shared_memory=memory) + (VOLATILE if self.volatile else "")
        (self.directory / "postgresql.conf").write_text(settings)
        (self.directory / "pg_hba.conf").write_text(ACCESS)
        self._clear_away_the_dead()
        process = spawn(
            [str(self.root.postgres_bin / "postgres"), "-D", str(self.directory)], self.log, self.account
        )
        if process is None or not self._wait_ready(process):
            raise StackError(f"PostgreSQL did not start. Its log {self.log} ends with:\n{tail(self.log)}")
        return process

    def stop(self, mode: StopMode = "fast") -> None:
        """Stop the server: `fast` ends sessions and checkpoints, `immediate` is a crash in all but name."""
        process = self.running()
        if process is not None:
            stop(process, signal.SIGINT if mode == "fast" else signal.SIGQUIT, 60)

    def _wait_ready(self, process: Identity) -> bool:
        """Wait for the server's own word in its pid file; False when it ended instead."""

        def settled() -> bool:
            return not process.alive() or self._status(process.pid) == "ready"

        try:
            wait_until(settled, START_TIMEOUT_S, "PostgreSQL to take connections")
        except TimeoutError:
            raise StackError(
                f"PostgreSQL (pid {process.pid}) is not ready after {START_TIMEOUT_S:.0f} s; it may be\n"
                f"recovering. Its log {self.log} ends with:\n{tail(self.log)}"
            ) from None
        return process.alive()

    def _status(self, pid: int) -> str:
        try:
            lines = (self.directory / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return ""
        return lines[7].strip() if len(lines) > 7 and lines[0] == str(pid) else ""

    def _clear_away_the_dead(self) -> None:
        """Remove the pid file of a killed server.

        PostgreSQL does so itself unless the pid exists: as another program's, or as a zombie that nobody
        reaps. Its own guard against the killed server's children goes with the file, so they go first.
        """
        for pid in self._children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGQUIT)
        try:
            wait_until(lambda: not self._children(), 30, "the sessions of a killed server to end")
        except TimeoutError as late:
            raise StackError(
                f"{late}: processes {self._children()}.\nEnd them with kill, and run it again."
            ) from None
        (self.directory / "postmaster.pid").unlink(missing_ok=True)

    def _children(self) -> list[int]:
        """Return the processes that work in this cluster: every one of PostgreSQL's has it as its folder."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if (entry / "cwd").readlink() == self.directory:
                    found.append(int(entry.name))
        return found


def roomy_memory(size_bytes: float) -> bool:
    """Say whether /dev/shm has room for `size_bytes`: containers often give it 64 MB."""
    try:
        stats = os.statvfs(MEMORY)
    except OSError:
        return False
    return stats.f_bavail * stats.f_frsize > size_bytes and os.path.ismount(MEMORY)
