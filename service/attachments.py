"""What comes with a mail: pictures, PDF and short films are kept, the rest is named.

A type is told from the content, never from what the mail says: what a browser could run is not among them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sql.pool import Connection
from sql.query import Queries

Q = Queries("tickets")
MOST = 10
#: Bytes of one file, and of all of one mail.
LARGEST_BYTES, TOGETHER_BYTES = 10 * 2**20, 20 * 2**20
_STARTS = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"%PDF-", "application/pdf"),
)
_BRANDS = {
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"mif1": "image/heif",
    b"avif": "image/avif",
    b"qt  ": "video/quicktime",
} | dict.fromkeys((b"isom", b"iso2", b"mp41", b"mp42", b"avc1", b"M4V "), "video/mp4")


@dataclass(frozen=True)
class File:
    """A part of a mail that isn't its text."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Sorted:
    """What is kept, each with its type, and what isn't, each with the reason."""

    kept: Sequence[tuple[File, str]]
    left_out: Sequence[tuple[str, str]]


def media_type(content: bytes) -> str | None:
    """Return the type of a file that may be kept; None of any other.

    >>> media_type(b"%PDF-1.7 ..."), media_type(b"<svg onload=alert(1)>"), media_type(b"MZ")
    ('application/pdf', None, None)
    """
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if content[4:8] == b"ftyp":
        return _BRANDS.get(content[8:12])
    return next((kind for start, kind in _STARTS if content.startswith(start)), None)


def sort(files: Sequence[File]) -> Sorted:
    """Say what of a mail is kept."""
    kept: list[tuple[File, str]] = []
    left_out: list[tuple[str, str]] = []
    size = 0
    for file in files:
        kind = media_type(file.content)
        if kind is None:
            why = "neither a picture, PDF nor film"
        elif len(file.content) > LARGEST_BYTES:
            why = f"more than {LARGEST_BYTES // 2**20} MiB"
        elif len(kept) == MOST:
            why = f"more than {MOST} files"
        elif size + len(file.content) > TOGETHER_BYTES:
            why = f"more than {TOGETHER_BYTES // 2**20} MiB together"
        else:
            kept.append((file, kind))
            size += len(file.content)
            continue
        left_out.append((file.name, why))
    return Sorted(kept, left_out)


def keep(conn: Connection, ticket_id: int, entry_id: int, kept: Sequence[tuple[File, str]]) -> None:
    """Store the files with the entry of the ticket by which they came."""
    for file, kind in kept:
        given = {"ticket_id": ticket_id, "entry_id": entry_id, "name": file.name, "media_type": kind}
        conn.execute(Q["keep_attachment"], given | {"content": file.content})
