"""From an event to a mail in a real mailbox."""

from email.message import EmailMessage

from sql.pool import Connection
from tests import samples
from tests.notify.conftest import Run, settings
from tests.post_office import PostOffice
from tests.waiting import until


def test_event_becomes_one_ticket_and_one_mail_with_a_stored_receipt(
    conn: Connection, run: Run, office: PostOffice
) -> None:
    town = samples.town(conn)
    samples.usage(conn, town.meter_id)
    run(settings(smtp_url=office.url))
    samples.event(conn)
    until(lambda: len(office.mails) == 1)
    mail: EmailMessage = office.mails[0]
    assert mail["To"].addresses[0].addr_spec == "wangli@utility.example"
    assert "张伟" in mail["Subject"]
    receipts = until(
        lambda: conn.execute(
            "select o.state, d.ok, d.receipt from outbox o join delivery d on d.outbox_id = o.id"
        ).fetchall()
    )
    assert receipts == [("sent", True, "250 2.0.0 Ok: queued as Q00001")]
    assert conn.execute("select assignee_id, routed_by from ticket").fetchall() == [
        (town.manager_id, "account_manager")
    ]
