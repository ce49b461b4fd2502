"""The notifier's words for others to look at before anything is sent: `service.letters.Letters`."""

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from core.settings import Settings
from notify.channels import Message
from notify.words import Words
from notify.writer import Writer
from service.letters import Written
from sql.pool import Connection


class LiveLetters:
    """Writes letters with the templates that are sent; made when the first one is asked for."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @cached_property
    def _writer(self) -> Writer:
        font = Path(self._settings.cjk_font) if self._settings.cjk_font else None
        return Writer(Words(self._settings.public_url, font))

    def write(
        self, conn: Connection, kind: str, step: str, language: str, message: Mapping[str, Any], at: datetime
    ) -> Written:
        """Return the letter that this message would become."""
        asked = Message(0, None, None, step, "", language, message, 1, at, kind)
        letter = self._writer.letter(conn, asked)
        return Written(letter.subject, letter.text, letter.brief)
