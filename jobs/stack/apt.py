"""A private apt: own lists, cache and state, no root, signatures always verified. Standard library only."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from jobs.stack.errors import StackError
from jobs.stack.paths import Progress
from jobs.stack.sources import Source

CONFIG = """\
#clear APT::Architectures;
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Invoke;
#clear DPkg::Post-Invoke;
#clear Acquire::Languages;
APT::Architectures {{ "{architecture}"; }};
APT::Get::AllowUnauthenticated "false";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
Acquire::AllowDowngradeToInsecureRepositories "false";
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
APT::Update::Error-Mode "any";
// The folders are ours alone: apt's own download account could not enter them.
APT::Sandbox::User "{user}";
Dir::Etc::SourceList "/dev/null";
Dir::Etc::SourceParts "{home}/sources.d";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "{home}/preferences.d";
Dir::State "{home}/state";
Dir::State::Lists "{home}/lists";
Dir::State::status "{home}/status";
Dir::Cache "{home}/cache";
"""


# The words of gpgv and of sqv, which newer releases verify with.
UNKNOWN_KEY = re.compile(r"NO_PUBKEY|Missing key")
SIGNATURE_TROUBLE = re.compile(
    rf"{UNKNOWN_KEY.pattern}|GPG error|OpenPGP signature verification failed|not signed|EXPKEYSIG|BADSIG"
)


class AptError(StackError):
    """apt refused or failed; `unknown_key`: for want of the key of a signature."""

    def __init__(self, message: str, output: str) -> None:
        super().__init__(message)
        self.unknown_key = UNKNOWN_KEY.search(output) is not None


@dataclass(frozen=True)
class Package:
    """One package that apt chose."""

    name: str
    version: str


class PrivateApt:
    """apt over the given sources in the folder `home`, as if nothing were installed.

    Proxies, certificates and credentials are the machine's: its apt.conf is read first.
    """

    def __init__(self, home: Path, sources: list[Source]) -> None:
        for tool in ("apt-get", "apt-cache", "dpkg-deb", "dpkg"):
            if shutil.which(tool) is None:
                raise StackError(
                    f"`{tool}` is missing: the servers are unpacked from Debian packages.\n"
                    "Use a Debian or Ubuntu machine, or set HEADWATER_DATABASE_URL and HEADWATER_MQTT_URL\n"
                    "to servers that you run yourself (deploy/compose.yaml starts both in containers)."
                )
        self.home = home
        for name in (
            "sources.d",
            "preferences.d",
            "state",
            "lists/partial",
            "cache/archives/partial",
            "debs",
        ):
            (home / name).mkdir(parents=True, exist_ok=True)
        (home / "status").touch()
        architecture = subprocess.run(
            ["dpkg", "--print-architecture"],  # noqa: S607 - found on the path above
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        config = CONFIG.format(
            home=home, architecture=architecture, user="root" if os.geteuid() == 0 else "_apt"
        )
        (home / "apt.conf").write_text(config)
        (home / "sources.d" / "private.sources").write_text("\n".join(s.stanza() for s in sources))

    def update(self) -> None:
        """Fetch the package lists; raises AptError when one can't be had or its signature isn't good."""
        self._run("apt-get", "update", "-q")

    def names(self, prefix: str) -> set[str]:
        """Return the names of the packages that begin with `prefix`."""
        return set(self._run("apt-cache", "pkgnames", prefix).split())

    def closure(self, wanted: list[str]) -> list[Package]:
        """Return `wanted` with all that they depend on, without recommendations."""
        out = self._run("apt-get", "install", "-s", "-y", "--no-install-recommends", *wanted)
        return [Package(*found) for found in re.findall(r"^Inst (\S+) \((\S+) ", out, re.MULTILINE)]

    def size(self, packages: list[Package]) -> int:
        """Return the bytes to download for `packages`."""
        out = self._run("apt-get", "download", "--print-uris", *_exact(packages), cwd=self.home / "debs")
        return sum(int(found) for found in re.findall(r"^'\S+' \S+ (\d+) ", out, re.MULTILINE))

    def download(self, packages: list[Package], progress: Progress) -> list[Path]:
        """Fetch the packages (what is there already and sound stays) and return the files."""
        folder = self.home / "debs"
        total = self.size(packages)
        command = self._command("apt-get", "download", "-q", *_exact(packages))
        with subprocess.Popen(
            command, cwd=folder, env=_env(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            while True:
                try:
                    output, _ = process.communicate(timeout=5)
                    break
                except subprocess.TimeoutExpired:
                    done = sum(path.stat().st_size for path in folder.iterdir())
                    progress(f"  {done / 1e6:.0f} of {total / 1e6:.0f} MB")
        if process.returncode != 0:
            raise _explain(output)
        # By name and version: an earlier run may have left files of another version.
        return [next(folder.glob(f"{p.name}_{p.version.replace(':', '%3a')}_*.deb")) for p in packages]

    def _run(self, tool: str, *arguments: str, cwd: Path | None = None) -> str:
        done = subprocess.run(
            self._command(tool, *arguments), cwd=cwd, env=_env(), capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise _explain(done.stdout + done.stderr)
        return done.stdout

    def _command(self, tool: str, *arguments: str) -> list[str]:
        return [tool, "-c", str(self.home / "apt.conf"), *arguments]


def _exact(packages: list[Package]) -> list[str]:
    return [f"{package.name}={package.version}" for package in packages]


def _env() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}


def _explain(output: str) -> AptError:
    """Turn apt's words into what happened and what to do."""
    said = "\n".join(line for line in output.splitlines() if line.startswith(("E:", "W:", "Err:")))
    if SIGNATURE_TROUBLE.search(output):
        message = (
            "The signature of a package list could not be verified; nothing of it was used.\n"
            "Bring the archive keys up to date (as root: apt-get update && apt-get install\n"
            "debian-archive-keyring), or set HEADWATER_APT_MIRROR to a mirror with Debian's own signed lists."
        )
    elif "No space left" in output or "enough free space" in output:
        message = "The disk is full.\nFree about 1 GB and run it again; what is downloaded is kept."
    elif re.search(
        r"Could not (resolve|connect)|Temporary failure|Failed to fetch|Connection|Unable to connect", output
    ):
        message = (
            "The package mirror could not be reached.\n"
            "Check the network and the proxy that apt uses (/etc/apt/apt.conf.d), or set\n"
            "HEADWATER_APT_MIRROR to a Debian mirror that answers. The next run goes on from here."
        )
    else:
        message = "apt could not get the servers' packages.\nSee its words below, and run it again."
    return AptError(f"{message}\n\napt said:\n{said[-1500:] or output[-1500:]}", output)
