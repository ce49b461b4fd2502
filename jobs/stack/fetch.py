"""Fetch and unpack the private servers into `.local/stack/root`. Standard library only."""

import errno
import json
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jobs.stack import elf
from jobs.stack.apt import Package, PrivateApt
from jobs.stack.errors import StackError
from jobs.stack.paths import Progress, locked, stack_dir
from jobs.stack.suites import find_apt
from jobs.stack.unpack import NEEDED_BYTES, disk_full, extract

OLDEST_POSTGRES = 17
# What the servers' packages pull in for their installation scripts, Perl and the JIT: none of it is run here.
NOT_RUN = re.compile(
    r"perl|lib.*-perl$|libperl|libllvm|libz3-|libgdbm|libdb5|locales$|libc-l10n|libc-bin|postgresql(-client)?-common"
    r"|adduser|passwd|login\.defs|debconf|libdebconf|ucf|ssl-cert|openssl$|procps|libproc2|init-system-helpers"
    r"|sysvinit-utils|base-passwd|netbase|sensible-utils|libpam-modules|libaudit-common|libsemanage|libsepol"
)


@dataclass(frozen=True)
class Root:
    """The unpacked servers: where, for which PostgreSQL, in which versions."""

    path: Path
    postgres_major: str
    versions: dict[str, str]

    @property
    def postgres_bin(self) -> Path:
        """The folder of PostgreSQL's programs."""
        return self.path / "usr/lib/postgresql" / self.postgres_major / "bin"

    @property
    def mosquitto(self) -> Path:
        """The broker's program."""
        return self.path / "usr/sbin/mosquitto"


def installed_root() -> Root | None:
    """Return the servers if they are unpacked and whole, at the place they were unpacked for."""
    path = stack_dir() / "root"
    try:
        manifest = json.loads((path / "manifest.json").read_text())
    except (FileNotFoundError, ValueError):
        return None
    if manifest["path"] != str(path.resolve()):
        return None
    return Root(path.resolve(), manifest["postgres_major"], manifest["versions"])


def ensure_root(progress: Progress, patchelf: Callable[[], str] = elf.find_patchelf) -> Root:
    """Return the servers, fetched first where they are missing or half there."""
    found = installed_root()
    if found is not None:
        return found
    stack = stack_dir()
    with locked(stack / "fetch.lock", progress):
        found = installed_root()
        if found is not None:
            return found
        try:
            return _fetch(stack, progress, patchelf)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise disk_full(stack) from None
            raise


def _fetch(stack: Path, progress: Progress, patchelf: Callable[[], str]) -> Root:
    if shutil.disk_usage(stack).free < NEEDED_BYTES:
        raise disk_full(stack)
    began = time.monotonic()
    progress("servers: reading package lists")
    apt, major = find_apt(
        stack / "apt", _newest_postgres, f"TimescaleDB for PostgreSQL {OLDEST_POSTGRES} or newer"
    )
    wanted = [f"postgresql-{major}", f"postgresql-{major}-timescaledb"]
    wanted += ["mosquitto", "mosquitto-clients", "fonts-noto-cjk"]
    packages = [package for package in apt.closure(wanted) if not NOT_RUN.match(package.name)]
    progress(f"servers: downloading {len(packages)} packages, {apt.size(packages) / 1e6:.0f} MB")
    files = apt.download(packages, progress)
    progress("servers: unpacking")
    root = _unpack(stack, files, packages, major, patchelf)
    shutil.rmtree(stack / "apt")
    progress(f"servers: ready in {root.path} ({time.monotonic() - began:.0f} s)")
    return root


def _newest_postgres(apt: PrivateApt) -> str | None:
    found = [re.fullmatch(r"postgresql-(\d+)-timescaledb", name) for name in apt.names("postgresql-")]
    majors = [int(match[1]) for match in found if match and int(match[1]) >= OLDEST_POSTGRES]
    return str(max(majors)) if majors else None


def _unpack(
    stack: Path, files: list[Path], packages: list[Package], major: str, patchelf: Callable[[], str]
) -> Root:
    final, partial = stack / "root", stack / "root.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    for file in files:
        extract(file, partial)
    for unread in ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/lintian"):
        shutil.rmtree(partial / unread, ignore_errors=True)
    # The servers' account is another one when we are root, whatever our umask.
    partial.chmod(0o755)
    elf.patch(elf.programs(partial, major), partial, final, patchelf())
    versions = {package.name: package.version for package in packages}
    manifest = {"path": str(final), "postgres_major": major, "versions": versions}
    (partial / "manifest.json").write_text(json.dumps(manifest, indent=1))
    shutil.rmtree(final, ignore_errors=True)
    partial.rename(final)
    try:
        elf.check(elf.programs(final, major))
    except StackError:
        (final / "manifest.json").unlink()
        raise
    return Root(final, major, versions)
