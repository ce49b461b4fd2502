"""Debian's Chromium, unpacked into `.local/stack/browser` for the tests of the console and its screenshots.

Run as `python -m jobs.stack.browser`: fetches it where it is missing. Nothing else needs a browser.
"""

import errno
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from jobs.stack import elf
from jobs.stack.errors import StackError
from jobs.stack.fetch import NOT_RUN, installed_root
from jobs.stack.paths import Progress, locked, stack_dir
from jobs.stack.suites import find_apt
from jobs.stack.unpack import NEEDED_BYTES, disk_full, extract

WANTED = ["chromium", "fonts-dejavu-core"]
PROGRAM = "usr/lib/chromium/chromium"
FONTS = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
{folders}
  <cachedir>{cache}</cachedir>
{aliases}
</fontconfig>
"""

ALIAS = """\
  <alias>
    <family>{}</family>
    <prefer><family>DejaVu Sans</family><family>Noto Sans CJK SC</family></prefer>
  </alias>"""


def installed_browser() -> Path | None:
    """Return the browser's program if it is unpacked and whole, at the place it was unpacked for."""
    path = stack_dir() / "browser"
    try:
        manifest = json.loads((path / "manifest.json").read_text())
    except (FileNotFoundError, ValueError):
        return None
    return path.resolve() / PROGRAM if manifest["path"] == str(path.resolve()) else None


def ensure_browser(progress: Progress) -> Path:
    """Return the browser's program, fetched first where it is missing or half there."""
    with locked(stack_dir() / "browser.lock", progress):
        found = installed_browser()
        if found is not None:
            return found
        try:
            return _fetch(stack_dir(), progress)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise disk_full(stack_dir()) from None
            raise


def environment(program: Path) -> dict[str, str]:
    """Return what the browser needs beside its program: fonts, and libraries in a place of their own."""
    root = program.parents[3]
    pulse = ":".join(str(folder) for folder in root.glob("usr/lib/*-linux-*/pulseaudio"))
    return {"FONTCONFIG_FILE": str(root / "fonts.conf"), "LD_LIBRARY_PATH": pulse}


def _fetch(stack: Path, progress: Progress) -> Path:
    if shutil.disk_usage(stack).free < NEEDED_BYTES:
        raise disk_full(stack)
    began = time.monotonic()
    progress("browser: reading package lists")
    home = stack / "browser.apt"
    apt, _ = find_apt(home, lambda a: "chromium" if "chromium" in a.names("chromium") else None, "Chromium")
    packages = [package for package in apt.closure(WANTED) if not NOT_RUN.match(package.name)]
    progress(f"browser: downloading {len(packages)} packages, {apt.size(packages) / 1e6:.0f} MB")
    files = apt.download(packages, progress)
    progress("browser: unpacking")
    final, partial = stack / "browser", stack / "browser.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    for file in files:
        extract(file, partial)
    for unread in ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/icons"):
        shutil.rmtree(partial / unread, ignore_errors=True)
    programs = [partial / PROGRAM, partial / "usr/lib/chromium/chrome_crashpad_handler"]
    elf.patch(programs, partial, final, elf.find_patchelf())
    (partial / "fonts.conf").write_text(_fonts(final))
    shutil.rmtree(final, ignore_errors=True)
    partial.rename(final)
    program = final.resolve() / PROGRAM
    said = subprocess.run(
        [program, "--version"],
        env=os.environ | environment(program),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if said.returncode != 0:
        raise StackError(f"Chromium does not run on this machine: {said.stderr.strip()[-500:]}")
    (final / "manifest.json").write_text(
        json.dumps({"path": str(final.resolve()), "version": said.stdout.strip()})
    )
    shutil.rmtree(home)
    progress(f"browser: {said.stdout.strip()} ready ({time.monotonic() - began:.0f} s)")
    return program


def _fonts(final: Path) -> str:
    servers = installed_root()  # they come with the Chinese font
    roots = [final.resolve(), *([servers.path] if servers else [])]
    folders = "\n".join(f"  <dir>{root}/usr/share/fonts</dir>" for root in roots)
    aliases = "\n".join(ALIAS.format(family) for family in ("sans-serif", "system-ui"))
    return FONTS.format(folders=folders, cache=final.resolve() / "font-cache", aliases=aliases)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    try:
        ensure_browser(_say)
    except StackError as problem:
        _say(f"headwater: {problem}")
        sys.exit(1)
