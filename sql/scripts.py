"""The migration files: which there are, in their order, and their checksums. Imports no Alembic."""

import hashlib
from importlib import resources
from pathlib import Path

FOLDER = Path(str(resources.files("sql"))) / "migrations"


def files() -> list[Path]:
    """Return the migration files in the order they apply."""
    return sorted(FOLDER.glob("[0-9]*.sql"))


def checksum(file: Path) -> str:
    """Return the SHA-256 of a migration file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()
