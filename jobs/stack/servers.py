"""The private servers of this clone: up, down, status, reset, and use by a test run or the demo."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from core.settings import load
from jobs.stack import state as states
from jobs.stack.errors import StackError
from jobs.stack.fetch import Root, ensure_root, installed_root
from jobs.stack.mosquitto import Broker
from jobs.stack.paths import Progress, enterable, locked, quiet, server_account, stack_dir
from jobs.stack.postgres import MEMORY, SUPERUSER, Cluster, roomy_memory
from jobs.stack.process import Identity, answers, free_port, identify

DATABASE = "headwater"
PORT_TRIES = 3
SCRATCH_BYTES = 2e9  # of which a run of all the tests takes less than half


@dataclass(frozen=True)
class StackUrls:
    """Where the database and the broker are."""

    database_url: str
    mqtt_url: str


@dataclass(frozen=True)
class Status:
    """What runs; a URL is None where nothing does. `versions` are of the unpacked packages."""

    database_url: str | None
    mqtt_url: str | None
    versions: dict[str, str]


def up(progress: Progress = quiet) -> StackUrls:
    """Start what isn't running and leave it running; the settings' own servers are used where set."""
    with _stack_locked(progress):
        state = states.load(_state_path())
        state.kept = True
        return _start(state, progress)


def down() -> None:
    """Stop the private servers in order."""
    if installed_root() is None:
        return
    with _stack_locked(quiet):
        state = states.load(_state_path())
        state.kept, state.users = False, []
        _stop(state)


def reset() -> None:
    """Stop the private servers and delete their data; the next `up` begins with an empty database."""
    down()
    with _stack_locked(quiet):
        shutil.rmtree(_run_dir(), ignore_errors=True)


def status() -> Status:
    """Return what runs now, without starting anything."""
    root = installed_root()
    state = states.load(_state_path())
    own_database = root is not None and _cluster(root).running() is not None
    own_broker = root is not None and _broker(root).running() is not None
    settings = load()
    database = settings.database_url or (_database_url(state) if own_database else None)
    mqtt = settings.mqtt_url or (_mqtt_url(state) if own_broker else None)
    shown = ("postgresql-", "mosquitto")
    versions = {} if root is None else {n: v for n, v in root.versions.items() if n.startswith(shown)}
    return Status(database, mqtt, versions)


@contextlib.contextmanager
def stack_session(progress: Progress = quiet, *, scratch: bool = False) -> Iterator[StackUrls]:
    """Use the servers for a while: started if need be, stopped when the last user is done.

    They stay when they were started by hand (`headwater stack up`). With `scratch`, the database is one in
    memory, empty at first, that sessions beside us share and that is gone after the last.
    """
    me = identify(os.getpid())
    assert me is not None  # noqa: S101 - we are alive
    with _stack_locked(progress):
        state = states.load(_state_path())
        state.forget_the_dead()
        state.users.append(me)
        urls = _start(state, progress, scratch=scratch)
    try:
        yield urls
    finally:
        with _stack_locked(quiet):
            state = states.load(_state_path())
            state.forget_the_dead()
            if me in state.users:
                state.users.remove(me)
            if not state.users:
                _clear_scratch()
            if state.users or state.kept:
                states.save(_state_path(), state)
            else:
                _stop(state)


def _start(state: states.State, progress: Progress, *, scratch: bool = False) -> StackUrls:
    settings = load()
    database, mqtt = settings.database_url, settings.mqtt_url
    if database:
        progress(f"using the database of HEADWATER_DATABASE_URL ({_without_password(database)})")
        _check_database(database)
    if mqtt:
        progress(f"using the broker of HEADWATER_MQTT_URL ({_without_password(mqtt)})")
        _check_broker(mqtt)
    if not (database and mqtt):
        root = ensure_root(progress)
        enterable(_run_dir())
        (_run_dir() / "log").mkdir(exist_ok=True)
        # Saved before the cluster is made: its password must not be lost with us.
        states.save(_state_path(), state)
        if not database and scratch:
            _start_scratch(root, state, progress)
            database = _database_url(state, "postgres", state.scratch_port)
        elif not database:
            _start_cluster(root, state, progress)
        if not mqtt:
            _start_broker(root, state, progress)
        states.save(_state_path(), state)
    return StackUrls(database or _database_url(state), mqtt or _mqtt_url(state))


def _start_cluster(root: Root, state: states.State, progress: Progress) -> None:
    cluster = _cluster(root)
    if cluster.running() is not None:
        return
    progress("starting TimescaleDB")
    cluster.make(state.password)
    state.postgres_port = _on_free_port(cluster.start, state.postgres_port)
    with psycopg.connect(_database_url(state, "postgres"), autocommit=True) as connection:
        there = connection.execute("select 1 from pg_database where datname = %s", [DATABASE]).fetchone()
        if there is None:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(DATABASE)))


def _start_scratch(root: Root, state: states.State, progress: Progress) -> None:
    if _scratch_dir().exists() and _scratch(root).running() is not None:
        return
    progress("starting TimescaleDB in memory")
    _clear_scratch()
    if roomy_memory(SCRATCH_BYTES):
        _scratch_dir().symlink_to(tempfile.mkdtemp(prefix="headwater-", dir=MEMORY))
    enterable(_scratch_dir().resolve())
    _scratch(root).make(state.password)
    state.scratch_port = _on_free_port(_scratch(root).start, 0)


def _clear_scratch() -> None:
    root = installed_root()
    if root is not None:
        _scratch(root).stop("immediate")
    shutil.rmtree(_scratch_dir().resolve(), ignore_errors=True)
    _scratch_dir().unlink(missing_ok=True)


def _start_broker(root: Root, state: states.State, progress: Progress) -> None:
    broker = _broker(root)
    if broker.running() is not None:
        return
    progress("starting Mosquitto")
    broker.make()
    state.mqtt_port = _on_free_port(broker.start, state.mqtt_port)


def _on_free_port(start: Callable[[int], Identity], preferred: int) -> int:
    """Start a server on the preferred port if free, else on another; somebody may be quicker than we."""
    for left in reversed(range(PORT_TRIES)):
        port = free_port(preferred)
        try:
            start(port)
        except StackError as error:
            if left == 0 or "in use" not in str(error):
                raise
        else:
            return port
    raise AssertionError("unreachable")


def _stop(state: states.State) -> None:
    root = installed_root()
    if root is not None:
        _broker(root).stop()
        _cluster(root).stop()
    _clear_scratch()
    if _run_dir().exists():
        states.save(_state_path(), state)


def _check_database(url: str) -> None:
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.Error as error:
        raise StackError(
            f"The database of HEADWATER_DATABASE_URL does not answer: {str(error).strip()}\n"
            "Start it or correct the setting; without the setting a private one is used."
        ) from None


def _check_broker(url: str) -> None:
    parts = urlsplit(url)
    port = parts.port or (8883 if parts.scheme == "mqtts" else 1883)
    if not parts.hostname or not answers(parts.hostname, port, 5):
        raise StackError(
            f"The broker of HEADWATER_MQTT_URL does not answer at {parts.hostname or url}:{port}.\n"
            "Start it or correct the setting; without the setting a private one is used."
        )


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return url.replace(f":{parts.password}@", ":***@") if parts.password else url


def _database_url(state: states.State, database: str = DATABASE, port: int = 0) -> str:
    return f"postgresql://{SUPERUSER}:{state.password}@127.0.0.1:{port or state.postgres_port}/{database}"


def _mqtt_url(state: states.State) -> str:
    return f"mqtt://127.0.0.1:{state.mqtt_port}"


def _stack_locked(progress: Progress) -> contextlib.AbstractContextManager[int]:
    return locked(stack_dir() / "servers.lock", progress)


def _run_dir() -> Path:
    return stack_dir() / "run"


def _state_path() -> Path:
    return _run_dir() / "state.json"


def _cluster(root: Root) -> Cluster:
    return Cluster(root, _run_dir() / "postgres", _run_dir() / "log" / "postgres.log", server_account())


def _scratch(root: Root) -> Cluster:
    folder = _scratch_dir().resolve()
    return Cluster(root, folder / "postgres", folder / "postgres.log", server_account(), volatile=True)


def _scratch_dir() -> Path:
    """Where the database in memory is: a link into memory, a folder where memory is short."""
    return _run_dir() / "scratch"


def _broker(root: Root) -> Broker:
    return Broker(root, _run_dir() / "mosquitto", _run_dir() / "log" / "mosquitto.log", server_account())
