"""Files that a page loads: each under an address with its digest, so that a browser keeps it for good."""

import hashlib
from functools import cache
from importlib import resources
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import Response

from core.errors import NotFoundError

router = APIRouter(include_in_schema=False)
_FOLDER = Path(str(resources.files("web"))) / "static"
_FOREVER = "public, max-age=31536000, immutable"
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".woff2": "font/woff2"}


@cache
def _digest(name: str) -> str:
    return hashlib.sha256((_FOLDER / name).read_bytes()).hexdigest()[:12]


def asset(name: str) -> str:
    """Return the address of a file under web/static."""
    return f"/static/{_digest(name)}/{name}"


@cache
def _names() -> frozenset[str]:
    return frozenset(str(file.relative_to(_FOLDER)) for file in _FOLDER.rglob("*") if file.is_file())


@router.get("/static/{digest}/{name:path}")
def static(request: Request, digest: str, name: str) -> Response:
    """Return a file; one asked for by an old digest is the present one, and not kept."""
    if name not in _names() or Path(name).suffix not in _TYPES:
        raise NotFoundError(f"No file {name!r}.")
    kept = _FOREVER if digest == _digest(name) else "no-cache"
    headers = {"Cache-Control": kept, "ETag": f'"{_digest(name)}"'}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    kind = _TYPES[Path(name).suffix]
    return Response((_FOLDER / name).read_bytes(), media_type=kind, headers=headers)


@router.get("/favicon.ico")
def favicon(request: Request) -> Response:
    """Return the drop."""
    return static(request, _digest("drop.svg"), "drop.svg")
