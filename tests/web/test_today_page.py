"""Today: what lies on my desk, one deed on many tickets, and what failed or changed meanwhile."""

import re

import pytest
from psycopg.types.json import Jsonb
from starlette.testclient import TestClient

from service import tickets
from service.tickets import Entry
from sql.pool import Connection
from tests.api.conftest import NOW
from tests.api.town import Town, ticket
from tests.factories import insert
from tests.web.conftest import SignedIn, Surf
from tests.web.surf import PHONE, WIDE


@pytest.fixture
def calm(owner: Connection, town: Town) -> int:
    """A ticket of Anna's that can wait."""
    given = {"urgent": False, "priority": "normal", "account_no": "A1", "assignee_id": town.anna.staff_id}
    return ticket(owner, None, NOW, subject="Can wait", **given)


def ticked(*ids: int) -> list[str]:
    return [f"{id_}.1" for id_ in ids]


def said(client: TestClient, back: str = "/") -> str:
    """What the page says of the deed just done."""
    page = client.get(back).text
    (found,) = re.findall(r'<div class="notice \w+" role="status">\s*<p>(.*?)</p>', page)
    return str(found)


def test_many_are_taken_on_at_once_and_what_could_not_be_is_named(
    signed_in: SignedIn, town: Town, calm: int
) -> None:
    anna = signed_in("anna", "zh")
    page = anna.get("/").text
    assert f'value="{calm}.1"' in page
    form = {
        "deed": "acknowledge",
        "back": "/",
        "ticket": ticked(calm, town.anna.ticket_id, town.bo.ticket_id),
    }
    assert anna.post("/tickets/bulk", data=form).headers["location"] == "/"
    page = anna.get("/").text
    assert "已受理 2 件" in page
    assert f"未处理：#{town.bo.ticket_id}（不存在或无权查看）" in page
    (undo,) = re.findall(r'action="(/tickets/bulk/undo[^"]*)"', page)
    anna.post(undo.replace("&amp;", "&"))
    assert "已撤回 2 件" in said(anna)
    again = anna.post("/tickets/bulk", data={"deed": "acknowledge", "back": "//evil.example", "ticket": []})
    assert again.headers["location"] == "/"
    assert "请先勾选工单" in said(anna)


def test_what_is_put_off_leaves_the_desk_until_it_is_woken(
    signed_in: SignedIn, town: Town, calm: int, owner: Connection
) -> None:
    anna = signed_in("anna")
    form = {"deed": "snooze:tomorrow", "back": "/", "ticket": ticked(calm, town.anna.ticket_id)}
    anna.post("/tickets/bulk", data=form)
    page = anna.get("/").text
    assert f"One ticket is put off. Not done: #{town.anna.ticket_id} (urgent or overdue" in page
    assert f'class="open" href="/tickets/{calm}"' not in page
    assert "1 put off" in page
    asleep = anna.get("/tickets?snoozed=true").text
    assert f'href="/tickets/{calm}"' in asleep
    assert "put off until 22 Nov 2026 08:00" in asleep or "put off until Nov 22, 2026 08:00" in asleep
    tickets.note(owner, calm, Entry("note", "The customer called."), at=NOW, actor="olga")
    page = anna.get("/").text
    assert f'class="open" href="/tickets/{calm}"' in page, "somebody else added to it"
    assert "The customer called" not in page
    assert re.search(rf'<a href="/tickets/{calm}">Can wait</a>.*?Note.*?olga', page, re.S), "and that is news"
    assert anna.post("/today/seen").status_code == 303
    assert "Nothing changed on your tickets." in anna.get("/").text


def test_handing_over_needs_a_note_where_somebody_has_it(
    signed_in: SignedIn, town: Town, calm: int, owner: Connection
) -> None:
    olga = signed_in("olga")
    form = {"deed": "", "to": "bo", "back": "/tickets", "ticket": ticked(calm, town.dma_ticket_id)}
    olga.post("/tickets/bulk", data=form)
    assert said(olga, "/tickets") == (
        f"One ticket is handed over. Not done: #{calm} (somebody has it: that needs a note)."
    )
    owner.execute("update ticket set version = 2 where id = %s", [calm])
    olga.post("/tickets/bulk", data=form | {"note": "Please call.", "ticket": ticked(calm)})
    assert "somebody changed it meanwhile" in said(olga, "/tickets")
    olga.post("/tickets/bulk", data=form | {"note": "Please call.", "ticket": [f"{calm}.2"]})
    assert f'href="/tickets/{calm}"' in signed_in("bo").get("/").text
    assert olga.post("/tickets/bulk", data=form | {"to": "nobody"}).status_code == 404


def test_a_hand_over_of_many_is_taken_back_where_nobody_has_begun(
    signed_in: SignedIn, town: Town, calm: int, owner: Connection
) -> None:
    anna, olga = signed_in("anna"), signed_in("olga", "zh")
    other = ticket(
        owner, None, NOW, subject="Begun", grp="leak", account_no="A1", assignee_id=town.anna.staff_id
    )
    form = {"deed": "assign", "to": "bo", "note": "请跟进", "back": "/tickets", "ticket": ticked(calm, other)}
    olga.post("/tickets/bulk", data=form)
    page = olga.get("/tickets").text
    assert "已移交 2 件。" in page
    (undo,) = re.findall(r'action="(/tickets/bulk/undo[^"]*)"', page)
    tickets.note(owner, other, Entry("note", "I have called."), at=NOW, actor="bo")
    olga.post(undo.replace("&amp;", "&"))
    assert said(olga, "/tickets") == f"已撤回 1 件。 未处理：#{other}（当前状态不允许）。"
    mine = anna.get("/").text
    assert f'class="open" href="/tickets/{calm}"' in mine
    assert f'class="open" href="/tickets/{other}"' not in mine
    assert "误移交，已撤回。" in anna.get(f"/tickets/{calm}").text


def test_failed_messages_and_doubted_contacts_are_settled_from_here(signed_in: SignedIn, town: Town) -> None:
    anna = signed_in("anna")
    page = anna.get("/").text
    retry, *_ = re.findall(r'action="(/today/messages/\d+/retry[^"]*)"', page)
    assert anna.post(retry).status_code == 303
    assert said(anna) == "The message is on its way again."
    assert anna.post(retry).status_code == 409, "it goes already"
    confirm, *_ = re.findall(r'action="(/today/checks/\d+/confirm)"', page)
    assert anna.post(confirm).status_code == 303
    page = anna.get("/").text
    assert retry not in page
    assert confirm not in page


def test_failed_messages_of_others_stand_on_everybodys_desk_only(
    signed_in: SignedIn, town: Town, owner: Connection
) -> None:
    olga = signed_in("olga")
    assert "/today/messages/" not in olga.get("/").text
    page = olga.get("/?desk=team").text
    assert "B1@example.org" in page
    assert "/retry?desk=team" in page
    owner.execute(
        "update ticket set assignee_id = (select id from staff where login = 'olga') where id = %s",
        [town.dma_ticket_id],
    )
    ((olga_id,),) = owner.execute("select id from staff where login = 'olga'").fetchall()
    for n, of in enumerate(({"staff_id": olga_id}, {"ticket_id": town.dma_ticket_id})):
        given = {
            "kind": "ticket",
            "channel": "sms",
            "recipient": f"1380000000{n}",
            "state": "dead",
            "step": "opened",
        }
        insert(owner, "outbox", dedupe_key=f"olga{n}", message=Jsonb({}), **given, **of)
    desk = olga.get("/").text
    assert re.findall(r"1380000000\d", desk) == ["13800000001", "13800000000"]
    assert "B1@example.org" not in desk


def test_operations_sees_everybodys_at_a_glance_and_a_manager_does_not(
    signed_in: SignedIn, town: Town
) -> None:
    page = signed_in("olga").get("/?desk=team").text
    for id_ in (town.anna.ticket_id, town.bo.ticket_id):
        assert f'href="/tickets/{id_}"' in page
    assert 'href="/tickets?whose=unassigned"' in page
    page = signed_in("anna").get("/?desk=team").text
    assert "/?desk=team" not in page
    assert f'href="/tickets/{town.bo.ticket_id}"' not in page


def test_a_reader_has_nothing_to_tick_and_is_refused(signed_in: SignedIn, town: Town) -> None:
    rita = signed_in("rita")
    assert 'type="checkbox" name="ticket"' not in rita.get("/?desk=team").text
    form = {"deed": "acknowledge", "ticket": ticked(town.bo.ticket_id)}
    assert rita.post("/tickets/bulk", data=form).status_code == 403
    assert rita.post("/today/messages/1/retry").status_code == 403


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("size", [WIDE, PHONE])
def test_today_has_no_barriers(
    surf: Surf, language: str, size: tuple[int, int], town: Town, owner: Connection
) -> None:
    tickets.note(owner, town.anna.ticket_id, Entry("note", "x"), at=NOW, actor="olga")
    anna = surf("anna", language, size=size, dark=size == PHONE)
    page = anna.open("/")
    assert page.locator("h1").inner_text() == ("Today" if language == "en" else "今天")
    anna.check()


def test_keys_tick_the_row_one_stands_on_and_do_it(surf: Surf, calm: int, owner: Connection) -> None:
    anna = surf("anna")
    page = anna.open("/")
    page.locator(f'a.open[href="/tickets/{calm}"]').focus()
    page.keyboard.press("s")
    page.get_by_role("button", name="for an hour").click()
    page.get_by_text("One ticket is put off.").wait_for()
    assert page.locator(f'a.open[href="/tickets/{calm}"]').count() == 0
    page.get_by_role("button", name="Undo").click()
    page.locator(f'a.open[href="/tickets/{calm}"]').focus()
    page.keyboard.press("a")
    page.get_by_text("One ticket is taken on.").wait_for()
    state = owner.execute("select state from ticket where id = %s", [calm]).fetchall()
    assert state == [("acknowledged",)]
    assert anna.wrong == []
