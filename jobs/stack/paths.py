"""Where the private servers live on this machine, and who runs them. Standard library only."""

import contextlib
import fcntl
import hashlib
import os
import pwd
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from jobs.stack.errors import StackError

Progress = Callable[[str], None]
PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Account:
    """The account that a server runs under when we are root."""

    uid: int
    gid: int


def local_dir() -> Path:
    """Return the folder for everything that set-up makes: HEADWATER_LOCAL, else `.local` of the project."""
    configured = os.environ.get("HEADWATER_LOCAL")
    if configured:
        return Path(configured).absolute()
    base = PROJECT if (PROJECT / "pyproject.toml").exists() else Path.cwd()
    return base / ".local"


def server_account() -> Account | None:
    """Return whom the servers run as: `nobody` when we are root (PostgreSQL refuses root), else None."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise StackError(
            "The servers need an unprivileged account, and this machine has no user `nobody`.\n"
            "Run it as an ordinary user instead of root."
        ) from None
    return Account(entry.pw_uid, entry.pw_gid)


def stack_dir() -> Path:
    """Return the real path of `.local/stack`, made if missing.

    As root in a place that `nobody` cannot enter (a clone in /root), it is a link to /var/tmp.
    """
    link = local_dir() / "stack"
    try:
        link.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StackError(
            f"{link.parent} cannot be made: {error.strerror}.\nSet HEADWATER_LOCAL to a folder that is yours."
        ) from None
    if server_account() is None or _open_to_all(link):
        return enterable(link.resolve())
    name = hashlib.sha256(str(link).encode()).hexdigest()[:12]
    target = Path("/var/tmp") / f"headwater-{name}"  # noqa: S108 - made by root alone, ownership checked below
    with contextlib.suppress(FileExistsError):
        target.mkdir(mode=0o755)
    if target.is_symlink() or not target.is_dir() or target.stat().st_uid != 0:
        raise StackError(
            f"{target} belongs to somebody else.\nRemove it, or set HEADWATER_LOCAL to another place."
        )
    target.chmod(0o755)
    if not link.is_symlink() and link.exists():
        raise StackError(
            f"User `nobody` cannot enter {link}.\nRemove it, or make its parents enterable (chmod o+x)."
        )
    if not link.is_symlink() or link.readlink() != target:
        link.unlink(missing_ok=True)
        link.symlink_to(target)
    return target


def enterable(folder: Path) -> Path:
    """Return `folder`, made if missing; the servers' account, if it is another one, can enter it."""
    folder.mkdir(exist_ok=True)
    if server_account() is not None:
        folder.chmod(0o755)
    return folder


def _open_to_all(path: Path) -> bool:
    """Say whether every existing folder on the way lets others through."""
    resolved = path.resolve()
    return all(p.stat().st_mode & 0o001 for p in (resolved, *resolved.parents) if p.exists())


@contextlib.contextmanager
def locked(path: Path, progress: Progress) -> Iterator[int]:
    """Hold the lock file `path` and yield its descriptor.

    The kernel lets go of it when we and whoever we hand the descriptor to are dead, however we died.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("waiting for another run that is at the same work")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle.fileno()


def quiet(_: str) -> None:
    """Take progress messages and show none."""
