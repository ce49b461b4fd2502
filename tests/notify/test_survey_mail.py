"""The question in the customer's mailbox: in their language, with a link that works."""

import re
from collections.abc import Iterator

import pytest

from core.clock import SetClock
from notify.channels import Message
from notify.mail import Composer
from notify.words import Words
from notify.writer import Writer
from service import opening, surveys, tickets
from service.surveys import Answer
from service.tickets import Actor
from sql.pool import Connection, connect
from tests import samples
from tests.samples import NAMES, NOW


@pytest.fixture
def desk_conn(database_url: str) -> Iterator[Connection]:
    """A connection with the notifier's rights."""
    with connect(database_url, "notify", autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize(
    ("language", "subject", "expects"),
    [
        ("zh", "处理结果您满意吗？", ["尊敬的", "持续用水", "12月5日", "去评价"]),
        ("en", "settled to your satisfaction?", ["Dear ", "water that kept running", "5 Dec", "Tell us"]),
    ],
)
def test_the_mail_asks_in_the_customers_language_and_its_link_is_good(
    conn: Connection, desk_conn: Connection, language: str, subject: str, expects: list[str]
) -> None:
    samples.town(conn)
    conn.execute(
        "update customer set email = 'z@home.example', name = %s, language = %s", [NAMES[language], language]
    )
    ticket_id = opening.open_from_event(desk_conn, samples.event(conn), at=NOW).ticket_id
    for round_ in (1, 2):
        tickets.resolve(conn, ticket_id, actor=Actor("li"), at=NOW, why="internal words")
        assert surveys.on_resolved(conn, ticket_id, at=NOW) == round_
        rows = conn.execute(
            "select id, ticket_id, event_id, step, recipient, language, message, 1, created_at, kind"
            " from outbox where kind = 'survey' order by id desc"
        ).fetchall()
        assert len(rows) == round_
        composer = Composer("s@utility.example", SetClock(NOW), Writer(Words("https://water.example")))
        mail = composer.compose(desk_conn, Message(*rows[0]))
        text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
        html = mail.get_body(("html",)).get_content()  # type: ignore[union-attr]
        assert mail["To"].addresses[0].addr_spec == "z@home.example"
        assert subject in mail["Subject"]
        for words in [*expects, NAMES[language], f"#{ticket_id}"]:
            assert words in text
            assert words in html
        assert "internal words" not in text + html
        (link,) = set(re.findall(r"https://water\.example/s/([\w=-]+)", text + html))
        assert str(link) not in str(rows)  # it is nowhere in the database
        assert surveys.answer(conn, link, Answer(False), at=NOW).state == "asked"
