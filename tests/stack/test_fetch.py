"""Fetching recovers from every interruption, trusts signed lists only, and says what to do."""

import errno
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from jobs.stack import fetch
from jobs.stack.apt import Package
from jobs.stack.errors import StackError
from jobs.stack.paths import Progress, quiet, stack_dir
from jobs.stack.process import free_port
from jobs.stack.suites import KEYRINGS

VERSION = "1:17.1-1"


class CannedApt:
    """Packages that are on the disk already, in the place of apt."""

    def __init__(self, debs: Path) -> None:
        self.debs = debs

    def closure(self, wanted: list[str]) -> list[Package]:
        return [Package(name, VERSION) for name in [*wanted, "perl-base"]]

    def size(self, packages: list[Package]) -> int:
        return len(packages)

    def download(self, packages: list[Package], _: Progress) -> list[Path]:
        return [self.debs / f"{package.name}.deb" for package in packages]


def build_deb(folder: Path, name: str) -> None:
    tree = folder / name
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN/control").write_text(
        f"Package: {name}\nVersion: {VERSION}\nArchitecture: all\nMaintainer: a <a@b.example>\n"
        "Description: d\n"
    )
    (tree / "usr/share" / name).mkdir(parents=True)
    (tree / "usr/share" / name / "content").write_text(name)
    command = ["/usr/bin/dpkg-deb", "--root-owner-group", "-b", str(tree), str(folder / f"{name}.deb")]
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def canned(empty_local: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CannedApt:
    for name in (
        "postgresql-17",
        "postgresql-17-timescaledb",
        "mosquitto",
        "mosquitto-clients",
        "fonts-noto-cjk",
    ):
        build_deb(tmp_path, name)
    apt = CannedApt(tmp_path)

    def choose(home: Path, *_: object) -> tuple[CannedApt, str]:
        home.mkdir(exist_ok=True)
        return apt, "17"

    monkeypatch.setattr(fetch, "find_apt", choose)
    monkeypatch.setattr("jobs.stack.elf.patch", lambda *_: None)
    monkeypatch.setattr("jobs.stack.elf.check", lambda *_: None)
    return apt


def get() -> fetch.Root:
    return fetch.ensure_root(quiet, lambda: "patchelf")


def test_fetched_once_then_found(canned: CannedApt, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    root = fetch.ensure_root(said.append, lambda: "patchelf")
    assert (root.path / "usr/share/mosquitto/content").read_text() == "mosquitto"
    assert root.versions["mosquitto"] == VERSION
    assert "perl-base" not in root.versions
    assert any("5 packages" in line for line in said)
    assert not (stack_dir() / "apt").exists()
    monkeypatch.setattr(fetch, "find_apt", lambda *_: pytest.fail("fetched again"))
    assert get() == root


def test_half_unpacked_servers_are_unpacked_anew(canned: CannedApt) -> None:
    half = stack_dir() / "root.partial"
    (half / "usr").mkdir(parents=True)
    (half / "usr/leftover").touch()
    root = get()
    assert not (root.path / "usr/leftover").exists()
    assert not half.exists()


def test_unpacked_servers_without_their_last_file_are_unpacked_anew(canned: CannedApt) -> None:
    (get().path / "manifest.json").unlink()
    assert fetch.installed_root() is None
    assert get() == fetch.installed_root()


def test_moved_clone_is_patched_anew(canned: CannedApt) -> None:
    manifest = get().path / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "path": "/elsewhere/root"}))
    assert get().path == stack_dir() / "root"


def test_damaged_download_is_named_and_fetched_anew(canned: CannedApt) -> None:
    damaged = canned.debs / "mosquitto.deb"
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StackError, match=r"mosquitto\.deb could not be unpacked"):
        get()
    assert not damaged.exists()
    damaged.write_bytes(whole)
    get()


def test_full_disk_is_told_with_what_is_needed(canned: CannedApt, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(fetch, "extract", full)
        with pytest.raises(StackError, match="Not enough room"):
            get()
    usage = shutil.disk_usage("/")._replace(free=5)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    with pytest.raises(StackError, match="900 MB needed"):
        get()


def test_missing_apt_is_told_with_the_ways_out(empty_local: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(empty_local))
    monkeypatch.setenv("HEADWATER_APT_MIRROR", "http://127.0.0.1:1/debian")
    with pytest.raises(StackError, match="`apt-get` is missing"):
        get()


def stack_up(mirror: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from jobs.cli import main; main()", "stack", "up"]
    # A proxy of the machine's is not asked for what is on the machine itself.
    env = {**os.environ, "HEADWATER_APT_MIRROR": mirror, "no_proxy": "127.0.0.1"}
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)


needs_keyring = pytest.mark.skipif(
    not any(path.exists() for path in KEYRINGS), reason="needs Debian's keyring"
)


@needs_keyring
def test_no_network_is_a_message_and_exit_code_1(empty_local: Path) -> None:
    done = stack_up(f"http://127.0.0.1:{free_port()}/debian")
    assert done.returncode == 1
    assert "The package mirror could not be reached" in done.stderr
    assert "HEADWATER_APT_MIRROR" in done.stderr
    assert "Traceback" not in done.stderr


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A Debian mirror with nothing but what a test puts into it."""
    release = tmp_path / "dists/trixie"
    release.mkdir(parents=True)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(tmp_path))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield release, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


RELEASE = (
    "Origin: Debian\nSuite: stable\nCodename: trixie\nComponents: main\nArchitectures: all amd64 arm64\n"
)
UNKNOWN_SIGNATURE = """\
-----BEGIN PGP SIGNATURE-----

iHUEABYKAB0WIQQAAAAAAAAAAAAAAAAAAAAAAAAAAAUCZ0AAAAAKCRAAAAAAAAAA
=AAAA
-----END PGP SIGNATURE-----
"""


@needs_keyring
@pytest.mark.parametrize(
    "content",
    [
        {"Release": RELEASE},
        {"Release": RELEASE, "Release.gpg": UNKNOWN_SIGNATURE},
        {"InRelease": f"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n{RELEASE}{UNKNOWN_SIGNATURE}"},
    ],
    ids=["unsigned", "detached", "inline"],
)
def test_lists_without_a_good_signature_are_refused(
    empty_local: Path, mirror: tuple[Path, str], content: dict[str, str]
) -> None:
    folder, url = mirror
    for name, text in content.items():
        (folder / name).write_text(text)
    done = stack_up(url)
    assert done.returncode == 1
    assert "signature of a package list could not be verified" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (stack_dir() / "root").exists()
