"""Find a font with Chinese glyphs: a chart must not show boxes."""

from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path

import structlog
from matplotlib.font_manager import FontPath, FontProperties
from matplotlib.ft2font import FT2Font

from core.errors import SettingsError

log = structlog.get_logger(__name__)
_PLACES = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".local/share/fonts")
_NAMES = ("NotoSansCJK-Regular.*", "NotoSansSC-Regular.*", "SourceHanSans*-Regular.*", "wqy-*.ttc")
_SAMPLE = "水表漏压阈值开始升时兆"


def chinese(given: Path | None) -> FontPath | None:
    """Return the face for Chinese labels: of `given`, else of the usual places; None where there is none.

    Raises SettingsError when `given` can't be read or has no Chinese.
    """
    if given is not None:
        face = _face(given)
        if face is None:
            raise SettingsError(
                f"HEADWATER_CJK_FONT: {given} is no font with Chinese glyphs.",
                cure="Name one such as NotoSansCJK-Regular.ttc (Debian: fonts-noto-cjk), or leave it empty.",
            )
        return face
    face = next((face for file in _usual() if (face := _face(file))), None)
    if face is None:
        log.warning("no font with Chinese: charts get English labels", cure="Install fonts-noto-cjk.")
    return face


@cache
def properties(face: FontPath | None, size: float) -> FontProperties:
    """Return the font of a label; without a face, matplotlib's own."""
    return FontProperties(fname=face, size=size) if face else FontProperties(size=size)


def covers(face: FontPath | None, text: str) -> bool:
    """Whether the face has a glyph for every character."""
    if face is None:
        return text.isascii()
    return all(_has(face, character) for character in set(text) if not character.isspace())


@lru_cache(maxsize=4_096)
def _has(face: FontPath, character: str) -> bool:
    return bool(FT2Font(face.path, face_index=face.face_index).get_char_index(ord(character)))


def _usual() -> Iterator[Path]:
    for place in _PLACES:
        for name in _NAMES:
            yield from sorted(place.glob(f"**/{name}"))


def _face(file: Path) -> FontPath | None:
    """Return the simplified Chinese face of a font file, else the first that has the characters."""
    try:
        fonts = [FT2Font(file, face_index=index) for index in range(FT2Font(file).num_faces)]
    except (OSError, RuntimeError):
        return None
    able = [
        index for index, font in enumerate(fonts) if all(font.get_char_index(ord(sign)) for sign in _SAMPLE)
    ]
    simplified = [index for index in able if fonts[index].family_name.endswith(" SC")]
    return FontPath(str(file), (simplified or able)[0]) if able else None
