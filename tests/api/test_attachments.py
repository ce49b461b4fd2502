"""Files that came by mail are listed with their entry and saved, by who may see the ticket; never shown."""

from starlette.testclient import TestClient

from service import attachments, tickets
from service.attachments import File
from service.tickets import Entry
from sql.pool import Connection
from tests.api.conftest import NOW, Ask
from tests.api.town import Town

JPEG = b"\xff\xd8\xff\xe0" + b"<script>alert(1)</script>" * 9


def test_a_photo_is_listed_on_its_entry_and_downloaded_as_a_file(
    conn: Connection, town: Town, ask: Ask, nobody: TestClient
) -> None:
    ticket_id = town.bo.ticket_id
    entry_id = tickets.note(conn, ticket_id, Entry("mail", "see the photo"), at=NOW)
    name = '水表\r\n"x".html'
    attachments.keep(conn, ticket_id, entry_id, attachments.sort([File(name, JPEG)]).kept)
    bo = ask("tickets:read", login="bo")
    entries = bo.get(f"/v1/tickets/{ticket_id}").json()["entries"]
    (listed,) = [one for entry in entries for one in entry["attachments"]]
    assert (listed["name"], listed["media_type"], listed["size_bytes"]) == (name, "image/jpeg", len(JPEG))
    address = f"/v1/tickets/{ticket_id}/attachments/{listed['id']}"
    got = bo.get(address)
    assert (got.status_code, got.content) == (200, JPEG)
    assert got.headers["content-type"] == "image/jpeg"
    assert got.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in got.headers["content-security-policy"]
    said = got.headers["content-disposition"]
    assert said.startswith('attachment; filename="')
    assert "filename*=UTF-8''%E6%B0%B4%E8%A1%A8%0D%0A" in said
    assert ask("tickets:read", login="anna").get(address).status_code == 404
    assert ask("events:read", login="bo").get(address).status_code == 403
    assert nobody.get(address).status_code == 401
    assert bo.get(f"/v1/tickets/{town.dma_ticket_id}/attachments/{listed['id']}").status_code == 404
