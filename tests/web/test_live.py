"""Pages follow what others do, and nothing that is typed or ticked is lost by it."""

from datetime import timedelta

from service import changes, tickets
from service.tickets import Entry
from sql.pool import Connection
from tests.api.conftest import NOW
from tests.api.town import Town, ticket
from tests.factories import insert
from tests.web.conftest import SignedIn, Surf

A_DAY = timedelta(days=1)


def test_a_stream_is_for_who_is_signed_in_and_holds_only_their_own(
    signed_in: SignedIn, town: Town, owner: Connection
) -> None:
    nobody = signed_in("anna")
    nobody.cookies.clear()
    assert nobody.get("/live").status_code == 303
    for side in (town.anna, town.bo):
        tickets.note(owner, side.ticket_id, Entry("note", f"of {side.login}"), at=NOW, actor="olga")
    changes.order(owner)
    heard = signed_in("anna").get("/live", headers={"Last-Event-ID": "0"}).text
    assert "of anna" in heard
    assert "of bo" not in heard


def test_a_list_takes_in_a_new_ticket_and_keeps_what_is_ticked(
    surf: Surf, town: Town, owner: Connection
) -> None:
    anna = surf("anna")
    page = anna.open("/")
    page.wait_for_selector("html[data-following]")
    page.locator(f'input[value^="{town.anna.ticket_id}."]').check()
    new = ticket(owner, None, NOW, account_no="A1", assignee_id=town.anna.staff_id, subject="Just in")
    changes.order(owner)
    page.locator(f'a.open[href="/tickets/{new}"]').wait_for()
    assert page.locator(f'input[value^="{town.anna.ticket_id}."]').is_checked()
    assert anna.wrong == []


def test_a_ticket_that_changed_says_so_and_keeps_what_is_typed(
    surf: Surf, town: Town, owner: Connection
) -> None:
    bo = surf("bo", "zh")
    page = bo.open(f"/tickets/{town.bo.ticket_id}")
    page.wait_for_selector("html[data-following]")
    page.locator("textarea:visible").first.fill("还没写完")
    tickets.note(owner, town.bo.ticket_id, Entry("note", "theirs"), at=NOW, actor="olga")
    changes.order(owner)
    page.get_by_text("其间有人更改了本工单").wait_for()
    assert page.locator("textarea:visible").first.input_value() == "还没写完"


def test_visits_follow_by_the_half_minute_and_keep_what_is_typed(
    surf: Surf, town: Town, owner: Connection
) -> None:
    ((visit, due_on),) = owner.execute("select id, due_on from visit where account_no = 'A1'").fetchall()
    listed, one = surf("anna"), surf("anna", "zh")
    for surfer, path in ((listed, "/visits"), (one, f"/visits/{visit}")):
        surfer.page.clock.install()
        surfer.open(path)
    one.page.locator("textarea:visible").first.fill("还没写完")
    new = insert(owner, "visit", "id", account_no="A1", manager_id=town.anna.staff_id, due_on=due_on + A_DAY)
    owner.execute("update visit set version = version + 1 where id = %s", [visit])
    for surfer in (listed, one):
        surfer.page.clock.run_for(31_000)
    listed.page.locator(f'a.open[href="/visits/{new}"]').wait_for()
    one.page.get_by_text("其间有人更改了本次走访").wait_for()
    assert one.page.locator("textarea:visible").first.input_value() == "还没写完"
    assert listed.wrong + one.wrong == []
