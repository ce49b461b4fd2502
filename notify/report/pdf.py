"""Lay the report out: Typst makes the PDF of the document and `page.typ`, without any network."""

import json
from datetime import UTC
from importlib import resources
from pathlib import Path
from typing import Literal

import typst
from matplotlib import get_data_path
from matplotlib.ft2font import FT2Font

from notify import fonts
from notify.report.compose import Composer
from service.report import Report

_LATIN = "DejaVu Sans"


class Printer:
    """Makes PDFs with one font; safe in several threads."""

    def __init__(self, font: Path | None) -> None:
        """`font` as for charts: a file with Chinese, else the usual places are searched."""
        self._face = fonts.chinese(font)
        latin = Path(get_data_path()) / "fonts" / "ttf"
        places = [Path(self._face.path).parent] if self._face else []
        self._fonts = typst.Fonts(
            include_system_fonts=False,
            include_embedded_fonts=False,
            font_paths=[str(p) for p in (*places, latin)],
        )
        family = (
            FT2Font(self._face.path, face_index=self._face.face_index).family_name if self._face else None
        )
        self._families = [name for name in (family, _LATIN) if name]

    def pdf(self, report: Report, language: str) -> bytes:
        """Return the report as PDF, its fonts within.

        Without a Chinese font on the machine the words are English, and a name it can't write is a dash.
        """
        made = self._compile(report, language, "pdf")
        assert isinstance(made, bytes)  # noqa: S101 - a PDF is one file
        return made

    def pages(self, report: Report, language: str, ppi: float = 110.0) -> list[bytes]:
        """Return the report's pages as PNG, for looking at."""
        made = self._compile(report, language, "png", ppi)
        return made if isinstance(made, list) else [made]

    def _compile(
        self, report: Report, language: str, form: Literal["pdf", "png"], ppi: float | None = None
    ) -> bytes | list[bytes]:
        document = Composer(report, language if self._face else "en").document()
        document["fonts"] = self._families
        source = resources.files("notify.report").joinpath("page.typ").read_bytes()
        made = typst.Compiler(source, font_paths=self._fonts).compile(
            format=form,
            ppi=ppi,
            sys_inputs={
                "report": json.dumps(document if self._face else _writable(document), ensure_ascii=False)
            },
            timestamp=report.as_of.astimezone(UTC).replace(microsecond=0),
        )
        assert made is not None  # noqa: S101 - no output file was named
        return made


def _writable(value: object) -> object:
    """Return the document with a dash for every text that the Latin font can't write."""
    match value:
        case dict():
            return {name: _writable(one) for name, one in value.items()}
        case list():
            return [_writable(one) for one in value]
        case str():
            face = Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
            return value if all(FT2Font(face).get_char_index(ord(c)) for c in value) else "–"
    return value
