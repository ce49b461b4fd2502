"""Fetch and unpack the private servers into `.local/stack/root`. Standard library only."""

import contextlib
import errno
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jobs.stack import elf
from jobs.stack.apt import AptError, Package, PrivateApt
from jobs.stack.errors import StackError
from jobs.stack.paths import Progress, locked, stack_dir
from jobs.stack.sources import Source, debian_uris, machine_sources, os_release

DEBIAN_SUITE = "trixie"
OLDEST_POSTGRES = 17
KEYRINGS = tuple(Path(f"/usr/share/keyrings/debian-archive-keyring.{ending}") for ending in ("gpg", "pgp"))
NEEDED_BYTES = 900_000_000
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
                raise _disk_full(stack) from None
            raise


def _fetch(stack: Path, progress: Progress, patchelf: Callable[[], str]) -> Root:
    if shutil.disk_usage(stack).free < NEEDED_BYTES:
        raise _disk_full(stack)
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


def find_apt(home: Path, wanted: Callable[[PrivateApt], str | None], what: str) -> tuple[PrivateApt, str]:
    """Return an apt that has what is wanted, and its answer: from the machine's suites, else Debian's."""
    own_sources = machine_sources()
    mirror = os.environ.get("HEADWATER_APT_MIRROR", "")
    own: PrivateApt | None = None
    if own_sources and not mirror:
        own = PrivateApt(home / "own", own_sources)
        # Somebody else's repository may be out of order; the packages can still come from Debian.
        with contextlib.suppress(AptError):
            own.update()
            found = wanted(own)
            if found is not None:
                return own, found
    uris = (mirror,) if mirror else debian_uris(own_sources, os_release())
    if not uris:
        raise StackError(
            f"This machine's package sources have no {what}, and name no Debian mirror to take it from.\n"
            "Set HEADWATER_APT_MIRROR to the address of a Debian mirror (the folder that holds `dists`),\n"
            "or set HEADWATER_DATABASE_URL and HEADWATER_MQTT_URL to servers that you run yourself."
        )
    apt = _debian(home, uris, own)
    found = wanted(apt)
    if found is None:
        raise StackError(
            f"{' '.join(uris)} has no {what} in {DEBIAN_SUITE}.\n"
            "Set HEADWATER_APT_MIRROR to a complete Debian mirror."
        )
    return apt, found


def _debian(home: Path, uris: tuple[str, ...], own: PrivateApt | None) -> PrivateApt:
    keyring = next((path for path in KEYRINGS if path.exists()), None)
    if keyring is not None:
        apt = PrivateApt(home / DEBIAN_SUITE, [Source(uris, (DEBIAN_SUITE,), ("main",), str(keyring))])
        try:
            apt.update()
        except AptError as error:
            # A machine older than the suite has not got its key yet.
            if not error.unknown_key or own is None:
                raise
        else:
            return apt
    apt = PrivateApt(
        home / DEBIAN_SUITE, [Source(uris, (DEBIAN_SUITE,), ("main",), str(_newer_keyring(own)))]
    )
    apt.update()
    return apt


def _newer_keyring(own: PrivateApt | None) -> Path:
    """Fetch Debian's keyring from the machine's own suites, whose signatures it already trusts."""
    if own is None or "debian-archive-keyring" not in own.names("debian-archive-keyring"):
        raise StackError(
            "Debian's archive keys are missing, so its packages could not be verified.\n"
            "As root: apt-get install debian-archive-keyring"
        )
    package = [p for p in own.closure(["debian-archive-keyring"]) if p.name == "debian-archive-keyring"]
    target = own.home / "keyring"
    extract(own.download(package, lambda _: None)[-1], target)
    return next(
        target / path.relative_to("/") for path in KEYRINGS if (target / path.relative_to("/")).exists()
    )


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


def extract(deb: Path, target: Path) -> None:
    """Unpack the files of a Debian package into `target`."""
    target.mkdir(parents=True, exist_ok=True)
    command = ["dpkg-deb", "-x", str(deb), str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return
    if "No space left" in done.stderr:
        raise _disk_full(target)
    deb.unlink(missing_ok=True)
    raise StackError(
        f"{deb.name} could not be unpacked: {done.stderr.strip()}\nRun it again: it is downloaded anew."
    )


def _disk_full(place: Path) -> StackError:
    free = shutil.disk_usage(place).free / 1e6
    return StackError(
        f"Not enough room in {place}: {free:.0f} MB free, about {NEEDED_BYTES / 1e6:.0f} MB needed.\n"
        "Free some and run it again, or set HEADWATER_LOCAL to a folder on a larger disk."
    )
