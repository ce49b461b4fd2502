"""Choose the package suites to take the servers from. Standard library only."""

import os
from collections.abc import Callable
from pathlib import Path

from jobs.stack.apt import AptError, PrivateApt
from jobs.stack.errors import StackError
from jobs.stack.paths import quiet
from jobs.stack.sources import Source, debian_uris, machine_sources, os_release
from jobs.stack.unpack import extract

DEBIAN_SUITE = "trixie"
KEYRING_PACKAGE = "debian-archive-keyring"
KEYRINGS = tuple(Path(f"/usr/share/keyrings/{KEYRING_PACKAGE}.{ending}") for ending in ("gpg", "pgp"))


def find_apt(home: Path, wanted: Callable[[PrivateApt], str | None], what: str) -> tuple[PrivateApt, str]:
    """Return an apt that has what is wanted, and its answer: from the machine's suites, else Debian's."""
    sources = machine_sources()
    mirror = os.environ.get("HEADWATER_APT_MIRROR", "")
    trouble: AptError | None = None
    if sources and not mirror:
        own = PrivateApt(home / "own", sources)
        try:
            own.update()
        except AptError as error:
            # Somebody else's repository may be out of order; what is wanted can be in another.
            trouble = error
        found = wanted(own)
        if found is not None:
            return own, found
    uris = (mirror,) if mirror else debian_uris(sources, os_release())
    if not uris:
        raise trouble or StackError(
            f"This machine's package sources have no {what}, and name no Debian mirror to take it from.\n"
            "Set HEADWATER_APT_MIRROR to the address of a Debian mirror (the folder that holds `dists`),\n"
            "or set HEADWATER_DATABASE_URL and HEADWATER_MQTT_URL to servers that you run yourself."
        )
    apt = _debian(home, uris, sources)
    found = wanted(apt)
    if found is None:
        raise StackError(
            f"{' '.join(uris)} has no {what} in {DEBIAN_SUITE}.\n"
            "Set HEADWATER_APT_MIRROR to a complete Debian mirror."
        )
    return apt, found


def _debian(home: Path, uris: tuple[str, ...], sources: list[Source]) -> PrivateApt:
    keyring = next((path for path in KEYRINGS if path.exists()), None)
    if keyring is not None:
        try:
            return _debian_with(home, uris, keyring)
        except AptError as error:
            # A machine older than the suite has not got its key yet.
            if not error.unknown_key:
                raise
    return _debian_with(home, uris, _newer_keyring(home, sources))


def _debian_with(home: Path, uris: tuple[str, ...], keyring: Path) -> PrivateApt:
    apt = PrivateApt(home / DEBIAN_SUITE, [Source(uris, (DEBIAN_SUITE,), ("main",), str(keyring))])
    apt.update()
    return apt


def _newer_keyring(home: Path, sources: list[Source]) -> Path:
    """Fetch Debian's keyring from the machine's own suites, whose signatures it already trusts."""
    own = PrivateApt(home / "own", sources)
    own.update()
    if KEYRING_PACKAGE not in own.names(KEYRING_PACKAGE):
        raise StackError(
            "Debian's archive keys are missing, so its packages could not be verified.\n"
            f"As root: apt-get install {KEYRING_PACKAGE}"
        )
    package = [p for p in own.closure([KEYRING_PACKAGE]) if p.name == KEYRING_PACKAGE]
    target = home / "keyring"
    extract(own.download(package, quiet)[0], target)
    unpacked = [target / path.relative_to("/") for path in KEYRINGS]
    return next(path for path in unpacked if path.exists())
