"""Read the machine's own apt sources: one-line `.list` and deb822 `.sources`. Standard library only."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

APT_ETC = Path("/etc/apt")
UNUSED_COMPONENTS = frozenset({"restricted", "multiverse", "contrib", "non-free", "non-free-firmware"})
DEBIAN_STABLE_NAMES = ("oldoldstable", "oldstable", "stable", "testing", "unstable", "sid")


@dataclass(frozen=True)
class Source:
    """One apt source. `signed_by` is a path, a fingerprint or an inline key, empty for apt's trusted keys."""

    uris: tuple[str, ...]
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str = ""

    def stanza(self) -> str:
        """Return the source as a deb822 paragraph; options such as `trusted=yes` are not carried over."""
        lines = ["Types: deb", f"URIs: {' '.join(self.uris)}", f"Suites: {' '.join(self.suites)}"]
        if self.components:
            lines.append(f"Components: {' '.join(self.components)}")
        if self.signed_by:
            lines.append(f"Signed-By: {self.signed_by}")
        return "\n".join(lines) + "\n"


def parse_list(text: str) -> Iterator[Source]:
    """Yield the `deb` entries of one-line format."""
    for raw in text.splitlines():
        line = raw.split("#", 1)[0].strip()
        found = re.fullmatch(r"deb\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)\s*(.*)", line)
        if found:
            options = dict(re.findall(r"(\S+?)=(\S+)", found[1] or ""))
            yield Source((found[2],), (found[3],), tuple(found[4].split()), options.get("signed-by", ""))


def parse_sources(text: str) -> Iterator[Source]:
    """Yield the enabled `deb` entries of deb822 format."""
    body = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for paragraph in re.split(r"\n[ \t]*\n", body):
        fields = {
            name.lower(): value.strip()
            for name, value in re.findall(r"^([A-Za-z-]+):[ \t]*(.*(?:\n[ \t]+.*)*)", paragraph, re.MULTILINE)
        }
        enabled = fields.get("enabled", "yes").lower() not in {
            "no",
            "false",
            "0",
            "off",
            "without",
            "disable",
        }
        uris, suites = fields.get("uris", "").split(), fields.get("suites", "").split()
        if enabled and "deb" in fields.get("types", "").split() and uris and suites:
            # An inline key goes on over indented lines, which must stay indented.
            signed_by = re.sub(r"\n[ \t]*", "\n ", fields.get("signed-by", ""))
            yield Source(tuple(uris), tuple(suites), tuple(fields.get("components", "").split()), signed_by)


def machine_sources(etc: Path = APT_ETC) -> list[Source]:
    """Return what the machine installs from, without components and suites that hold nothing we need."""
    found: list[Source] = []
    parts = etc / "sources.list.d"
    for path in [etc / "sources.list", *(sorted(parts.iterdir()) if parts.is_dir() else [])]:
        if path.suffix not in {".list", ".sources"} or not path.is_file() or not os.access(path, os.R_OK):
            continue
        text = path.read_text(errors="replace")
        found += parse_sources(text) if path.suffix == ".sources" else parse_list(text)
    return [trimmed for source in found if (trimmed := _trim(source)) is not None]


def _trim(source: Source) -> Source | None:
    uris = tuple(uri for uri in source.uris if not uri.startswith("cdrom:"))
    suites = tuple(suite for suite in source.suites if not suite.endswith(("-backports", "-proposed")))
    components = tuple(c for c in source.components if c not in UNUSED_COMPONENTS)
    flat_layout = suites and suites[0].endswith("/")
    if not uris or not suites or not (components or flat_layout):
        return None
    return replace(source, uris=uris, suites=suites, components=components)


def os_release(path: Path = Path("/etc/os-release")) -> dict[str, str]:
    """Return the fields of os-release, empty where there is none."""
    if not path.exists():
        return {}
    pairs = (line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)
    return {key.strip(): value.strip().strip('"') for key, value in pairs}


def debian_uris(sources: list[Source], release: dict[str, str]) -> tuple[str, ...]:
    """Return the addresses of the machine's Debian mirror; empty when it isn't a Debian machine."""
    if release.get("ID") != "debian":
        return ()
    names = {release.get("VERSION_CODENAME", ""), *DEBIAN_STABLE_NAMES}
    mirrors = [s for s in sources if "main" in s.components and names & set(s.suites)]
    # Others' repositories name the same suites; Debian's own is the one that Debian's keyring signs.
    mirrors.sort(key=lambda s: "debian-archive" not in s.signed_by)
    return mirrors[0].uris if mirrors else ()
