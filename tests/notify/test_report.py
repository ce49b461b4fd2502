"""The monthly report as a director reads it: whole, in the reader's language, no boxes, small."""

import io
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from pypdf import PdfReader

from core.clock import SetClock
from jobs.stack import font_path
from notify import fonts
from notify.channels import Message
from notify.mail import Composer as Mailer
from notify.report.charts import bars
from notify.report.compose import Composer
from notify.report.pdf import Printer
from notify.report.words import WORDS
from notify.words import Words
from notify.writer import Writer
from service import figures, report
from service.report import Report, Scope
from sql.pool import Connection, connect
from tests.service.month import AT, OCTOBER, ZONE, build

MOST_BYTES = 1_000_000
pytestmark = pytest.mark.skipif(
    fonts.chinese(font_path()) is None, reason="no font with Chinese on this machine: install fonts-noto-cjk"
)


@pytest.fixture
def gathered(conn: Connection) -> Report:
    build(conn)
    figures.make(conn, OCTOBER, ZONE, at=AT)
    return report.load(conn, OCTOBER, Scope(), at=AT)


@pytest.fixture(scope="module")
def printer() -> Printer:
    return Printer(font_path())


def pages(pdf: bytes) -> list[str]:
    """The text of each page, without the space between scripts."""
    return [re.sub(r"\s+", "", page.extract_text()) for page in PdfReader(io.BytesIO(pdf)).pages]


SAYS = {
    "zh": "客户服务月报 2026年10月 江城水务 新增工单 李薇 王建国 江北片区 大客户 103立方米 ¥411 1,010立方米"
    " 江城第三医院 密封圈老化 指标说明 不足10起时取168小时 11月10日（周二）08:00",
    "en": "Customerservicereport October2026 江城水务 Ticketsopened 李薇 Large 103m³ CN¥411 1,010m³ Wornseal"
    " withfewerthan10ofthem,168hours Tue10Nov,08:00",
}


@pytest.mark.parametrize("language", SAYS)
def test_it_says_everything_in_the_readers_language(
    printer: Printer, gathered: Report, language: str
) -> None:
    pdf = printer.pdf(gathered, language)
    text = "".join(pages(pdf))
    for words in SAYS[language].split():
        assert words in text, words
    assert len(pdf) < MOST_BYTES
    for number, page in enumerate(pages(pdf), 1):
        assert WORDS[language]["page"].format(n=number, all=len(pages(pdf))).replace(" ", "") in page
    reader = PdfReader(io.BytesIO(pdf))
    box = reader.pages[0].mediabox
    assert (round(box.width), round(box.height)) == (595, 842)  # A4
    assert reader.metadata is not None
    assert reader.metadata.creation_date == AT.replace(microsecond=0)


def test_every_character_has_a_glyph_within_the_file(printer: Printer, gathered: Report) -> None:
    """No box is shown: the font covers what is written, and it is in the file."""
    face = fonts.chinese(font_path())
    for language in ("zh", "en"):
        assert fonts.covers(face, str(Composer(gathered, language).document()))
        for page in PdfReader(io.BytesIO(printer.pdf(gathered, language))).pages:
            for font in page["/Resources"]["/Font"].values():  # type: ignore[index]
                (inner,) = font.get_object()["/DescendantFonts"]
                descriptor = inner.get_object()["/FontDescriptor"].get_object()
                assert {"/FontFile2", "/FontFile3"} & descriptor.keys()


def test_both_languages_have_the_same_words() -> None:
    assert WORDS["zh"].keys() == WORDS["en"].keys()
    for word, text in WORDS["en"].items():
        assert set(re.findall(r"{\w+}", text)) == set(re.findall(r"{\w+}", WORDS["zh"][word])), word


@pytest.mark.parametrize("kind", ["utility", "region", "manager"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_an_empty_month_says_so_and_shows_no_figure_that_is_none(
    conn: Connection, printer: Printer, language: str, kind: report.ScopeKind
) -> None:
    empty = report.load(conn, date(2025, 2, 1), Scope(kind, "x" if kind != "utility" else "", "X"), at=AT)
    assert WORDS[language]["nothing"].replace(" ", "") in "".join(pages(printer.pdf(empty, language)))
    document = Composer(empty, language).document()
    assert not re.search(r"(?i)\b(none|nan|inf)\b", str(document["tiles"]) + str(document["tables"]))


def test_without_a_chinese_font_it_is_english_and_no_name_is_a_row_of_boxes(
    gathered: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fonts, "chinese", lambda given: None)
    text = "".join(pages(Printer(None).pdf(gathered, "zh")))
    assert "Customerservicereport" in text
    assert text.isprintable()
    assert not re.search("[\u4e00-\u9fff]", text)


def test_markup_in_a_name_is_text(conn: Connection, printer: Printer, gathered: Report) -> None:
    conn.execute("update staff set name = '#panic(\"x\") *b* $x$ [a] <l> @r \\' where login = 'li'")
    again = report.load(conn, OCTOBER, Scope(), at=AT)
    assert '#panic("x")*b*$x$[a]<l>@r\\' in "".join(pages(printer.pdf(again, "en")))


def test_axes_are_round_and_hold_every_bar() -> None:
    for highest in [0.3, 1, 7, 99, 100, 101, 4_321, 1e7]:
        chart = bars("t", ["a"], [("", [highest])], str)
        ticks = [tick["at"] for tick in chart["ticks"]]
        assert ticks[0] == 0
        assert highest <= chart["top"] == pytest.approx(ticks[-1])
        assert 2 <= len(ticks) <= 7
    assert bars("t", ["a"], [("", [None])], str)["labels"] == []


@pytest.fixture
def desk_conn(database_url: str) -> Iterator[Connection]:
    with connect(database_url, "notify", autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize(("login", "scope", "key"), [("li", "manager", "li"), ("wang", "region", "north")])
def test_the_mail_has_the_key_figures_and_the_report(
    conn: Connection, desk_conn: Connection, gathered: Report, login: str, scope: str, key: str
) -> None:
    ((staff_id, name, language),) = conn.execute(
        "select id, name, language from staff where login = %s", [login]
    ).fetchall()
    conn.execute(
        "insert into report_subscription (staff_id, scope, key, created_by, created_at)"
        " values (%s, %s, %s, 't', %s)",
        [staff_id, scope, key, AT],
    )
    assert report.send(conn, OCTOBER, at=AT) == 1
    row = conn.execute(
        "select id, ticket_id, event_id, step, recipient, language, message, 1, created_at, kind from outbox"
    ).fetchall()[0]
    writer = Writer(Words("https://water.example", font_path() or Path("none")))
    mail = Mailer("s@utility.example", SetClock(AT), writer).compose(desk_conn, Message(*row))
    assert WORDS[language]["title"] in mail["Subject"]
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert WORDS[language]["response_share"] in text
    (attached,) = mail.iter_attachments()
    assert attached.get_content_type() == "application/pdf"
    assert attached.get_filename() == f"report-2026-10-{language}.pdf"
    shown = "".join(pages(attached.get_content()))
    assert (name if scope == "manager" else "江北片区") in shown
