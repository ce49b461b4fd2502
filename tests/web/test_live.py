"""Pages follow what others do, and nothing that is typed or ticked is lost by it."""

from service import changes, tickets
from service.tickets import Entry
from sql.pool import Connection
from tests.api.conftest import NOW
from tests.api.town import Town, ticket
from tests.web.conftest import SignedIn, Surf


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
