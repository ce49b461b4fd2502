"""Entity tags: what the asker has already isn't sent again, what has moved on isn't overwritten.

The tag of a thing that counts its changes begins with its version: `"7.c2f0..."`. `If-Match` with it, or with
the version alone (`"7"`), is the `version` of the body said in a header.
"""

import hashlib
import re
from typing import Any, get_args

import msgspec
from pydantic import BaseModel

from api.problem import RefusedError, refused_value
from core.errors import StaleError

_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_VERSION = re.compile(r"(\d{1,10})(\.[0-9a-f]+)?(-gzip)?", re.ASCII)
_GZIP = "-gzip"


class _Versioned(msgspec.Struct):
    version: int | None = None


def tag(body: bytes, *, versioned: bool) -> str:
    """Return the strong entity tag of an answer; a versioned one is JSON that says its version."""
    version = msgspec.json.decode(body, type=_Versioned).version if versioned else None
    mark = hashlib.sha256(body).hexdigest()[:20]
    return f'"{mark}"' if version is None else f'"{version}.{mark}"'


def encoded(etag: str) -> str:
    """Return the tag of the same answer compressed: other bytes, another strong tag."""
    return f'{etag[:-1]}{_GZIP}"'


def known(given: str, etag: str) -> str | None:
    """Return the tag of the answer that If-None-Match names (weakly compared, as it is there), else None."""
    if given.strip() == "*":
        return etag
    tags = (f'"{found[2]}"' for found in _TAG.finditer(given))
    return next((tag for tag in tags if tag in {etag, encoded(etag)}), None)


def takes_version(annotation: Any) -> bool:
    """Whether a body of this type has the version that its sender saw."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "version" in annotation.model_fields
    return any(takes_version(part) for part in get_args(annotation))


def version_seen(given: str, *, versioned: bool) -> int | None:
    """Return the version that If-Match means, None for any; 412 for a tag that no version has ever had.

    RefusedError 422 where the operation has no version to compare, or several are named.
    """
    if given.strip() == "*":
        return None
    if not versioned:
        raise refused_value("header", "If-Match", "This operation compares no version: leave it out.")
    tags = list(_TAG.finditer(given))
    if len(tags) != 1:
        raise refused_value("header", "If-Match", 'Give one tag: the ETag of the answer you saw, or "7".')
    found = None if tags[0][1] else _VERSION.fullmatch(tags[0][2])
    if found is None:
        raise RefusedError(
            412,
            "precondition_failed",
            "No version of it has this tag.",
            cure="Get it, and send its ETag; a weak one (W/) never matches.",
        )
    return int(found[1])


def with_version(body: bytes, version: int) -> bytes:
    """Return a JSON body that says which version its sender saw; what is no object is left as it is."""
    try:
        said = msgspec.json.decode(body) if body.strip() else {}
    except (msgspec.DecodeError, RecursionError):
        return body
    if not isinstance(said, dict):
        return body
    if said.get("version", version) not in (version, None):
        raise refused_value("header", "If-Match", "The body names another version.")
    return msgspec.json.encode(said | {"version": version})


def failed(stale: StaleError) -> RefusedError:
    """Return the answer to If-Match on what has moved on; it says who changed it, as the conflict does."""
    said = RefusedError(412, "precondition_failed", stale.message, cure=stale.cure)
    said.more = stale.more
    return said
