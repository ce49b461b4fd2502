"""The console's libraries: npm brings them as web/package-lock.json names them. Standard library only.

What the console serves is copied to web/static/vendor; axe, for the tests, stays in web/node_modules.
"""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from jobs.stack.errors import StackError
from jobs.stack.paths import PROJECT, Progress

WEB = PROJECT / "web"
VENDOR = WEB / "static" / "vendor"
SERVED = {
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "uplot.js": "uplot/dist/uPlot.iife.min.js",
    "uplot.css": "uplot/dist/uPlot.min.css",
}


def ensure_frontend(npm: Path, progress: Progress) -> None:
    """Fetch the libraries unless they are those of the lock; `npm` is the program that does."""
    lock = hashlib.sha256((WEB / "package-lock.json").read_bytes()).hexdigest()
    stamp = VENDOR / "lock.sha256"
    if stamp.exists() and stamp.read_text() == lock and (WEB / "node_modules").is_dir():
        return
    progress("console: fetching its libraries")
    done = subprocess.run(
        [str(npm), "ci", "--prefix", str(WEB), "--no-progress"],
        cwd=WEB,
        env=_env(npm),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise StackError(
            "Could not fetch the console's libraries.\n"
            "Check that npm reaches its registry (network, proxy, .npmrc), and run it again.\n\n"
            f"npm said:\n{done.stdout.strip()[-1500:]}"
        )
    shutil.rmtree(VENDOR, ignore_errors=True)
    VENDOR.mkdir(parents=True)
    for name, source in SERVED.items():
        shutil.copyfile(WEB / "node_modules" / source, VENDOR / name)
    stamp.write_text(lock)


def _env(npm: Path) -> dict[str, str]:
    # npm is a script of the node beside it, which trusts whom the machine trusts: a proxy's certificate, too.
    path = f"{npm.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return {"NODE_USE_SYSTEM_CA": "1", **os.environ, "PATH": path}
