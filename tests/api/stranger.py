"""What somebody else's program does with the client that was generated: `stranger.py URL KEY FILE`.

Runs in an environment without Headwater; says what it saw as JSON, and leaves the Arrow stream in FILE.
"""

import json
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from headwater_client import AuthenticatedClient
from headwater_client.api.events import list_events
from headwater_client.api.series import get_series
from headwater_client.api.tickets import acknowledge_ticket, get_ticket, list_tickets, note_on_ticket
from headwater_client.models import Note, PageEvent, Problem, Remark, TicketDetail

url, key, file = sys.argv[1:]
client = AuthenticatedClient(base_url=url, token=key, raise_on_unexpected_status=True)
seen: dict[str, object] = {}

events, cursor = [], None
while True:
    page = list_events.sync(client=client, limit=1, cursor=cursor)
    assert isinstance(page, PageEvent), page
    events += [event.id for event in page.items]
    if page.next_ is None:
        break
    cursor = parse_qs(urlsplit(page.next_).query)["cursor"][0]
seen["events"] = events

tickets = list_tickets.sync(client=client, account_no="A1")
ticket_id = tickets.items[0].id
taken = acknowledge_ticket.sync(ticket_id, client=client, body=Remark(), idempotency_key="stranger-1")
assert isinstance(taken, TicketDetail), taken
again = acknowledge_ticket.sync_detailed(
    ticket_id, client=client, body=Remark(), idempotency_key="stranger-1"
)
refused = acknowledge_ticket.sync(ticket_id, client=client, body=Remark())
assert isinstance(refused, Problem), refused
note = Note(why="said by a stranger 水")
for _ in range(2):
    note_on_ticket.sync(ticket_id, client=client, body=note, idempotency_key="stranger-2")
entries = [entry.why for entry in get_ticket.sync(ticket_id, client=client).entries]
seen["ticket"] = {
    "state": taken.state.value,
    "replayed": again.headers["Idempotency-Replayed"],
    "same": again.parsed.to_dict() == taken.to_dict(),
    "refused": [refused.status, refused.code],
    "notes": entries.count("said by a stranger 水"),
}

asked = get_series._get_kwargs(meters=["M-A"], from_="2026-11-20", to="2026-11-21")
arrow = client.get_httpx_client().request(
    **asked | {"headers": {"Accept": "application/vnd.apache.arrow.stream"}}
)
Path(file).write_bytes(arrow.raise_for_status().content)
seen["arrow"] = arrow.headers["content-type"]
sys.stdout.write(json.dumps(seen))
