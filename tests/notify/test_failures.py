"""What did not arrive is told to the duty desk, in words and without keys."""

import pytest
from psycopg.types.json import Jsonb

from notify.words import Words
from notify.writer import Writer
from service import failures
from sql.pool import Connection
from tests import factories, samples
from tests.notify.test_reach import claimed
from tests.samples import NOW

WRITER = Writer(Words("https://water.example"))
ROBOT = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=693a91f6-7aaa-4bc4-97a0-0ec2f1fa5aaa"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_morning_s_list_says_what_failed_why_and_what_to_do(conn: Connection, language: str) -> None:
    town = samples.town(conn, language=language)
    given = {"step": "opened", "message": Jsonb({}), "created_at": NOW, "staff_id": town.manager_id}
    for number, (state, error) in enumerate(
        [("dead", "93000 invalid webhook url"), ("unknown", "no answer")]
    ):
        row = given | {"channel": "wecom", "recipient": ROBOT, "state": state, "last_error": error}
        factories.insert(conn, "outbox", dedupe_key=f"k{number}", **row)
    assert failures.tell_daily(conn, at=NOW) == 2
    assert failures.tell_daily(conn, at=NOW) == 2  # told once a day
    ((told, recipient),) = conn.execute("select id, recipient from outbox where kind = 'failures'").fetchall()
    assert recipient == "desk@utility.example"
    letter = WRITER.letter(conn, claimed(conn, told))
    assert letter.subject == ("2 条消息未送达，请处理" if language == "zh" else "2 messages did not arrive")
    for text in (letter.text, letter.html):
        assert "93000 invalid webhook url" in text
        assert ("企业微信 · 王丽" if language == "zh" else "WeCom · 王丽") in text
        assert ("工单通知" if language == "zh" else "ticket") in text
        assert "https://water.example/#failed" in text
        assert "693a91f6" not in text
        assert "None" not in text
    conn.execute("update outbox set state = 'dismissed' where kind <> 'failures'")
    assert failures.tell_daily(conn, at=NOW) == 0
