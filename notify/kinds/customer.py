"""What a manager wrote to a customer: sent as it was written."""

from zoneinfo import ZoneInfo

from notify.channels import Message
from notify.kinds.ticket import thread
from notify.letter import Letter
from notify.words import Words, one_line
from sql.pool import Connection


def letter(words: Words, conn: Connection, message: Message, *, pictures: bool) -> Letter:
    """Return the letter."""
    about = message.message
    subject = one_line(about["subject"])
    return Letter(
        subject=subject,
        text=f"{about['text'].strip()}\n",
        to_name=one_line(about["name"]),
        from_name=one_line(about["from"]),
        zone=ZoneInfo(about["timezone"]),
        thread=thread(about["ticket_id"], int(about["opened_at"])),
        brief=f"{subject}: {one_line(about['text'])}",
    )
