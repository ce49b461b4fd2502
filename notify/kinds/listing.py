"""Letters that list messages: a person's digest, a storm of a district, what did not arrive."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from notify.channels import Message
from notify.channels.fitting import first_link
from notify.letter import Letter
from notify.words import Words, one_line, said, spoken
from service.utility import utility
from sql.pool import Connection
from sql.query import Queries

Q = Queries("outbox")
LISTED = 100


@dataclass(frozen=True)
class Item:
    """A line of a list, with what belongs to it."""

    title: str
    lines: Sequence[str] = ()
    link: str = ""


def items_of(conn: Connection, message: Message) -> list[Message]:
    """Return the messages that a digest stands for, the most pressing first, as far as they are listed."""
    rows = conn.execute(Q["digest_items"], {"id": message.id, "most": LISTED})
    return [Message(*row) for row in rows]


def digest(words: Words, conn: Connection, message: Message, letters: Sequence[Letter]) -> Letter:
    """Return the letter that stands for the others; its step says why: `digest` or `storm`."""
    ((count,),) = conn.execute(Q["digest_size"], {"id": message.id}).fetchall()
    items = [Item(letter.subject, (), first_link(letter.text)) for letter in letters]
    name = letters[0].to_name if letters else ""
    return _letter(words, conn, message, items, {"count": count, "place": message.message["dma"]}, name)


def failures(words: Words, conn: Connection, message: Message, *, pictures: bool) -> Letter:
    """Return the letter that says which messages did not arrive, and why."""
    about = message.message
    macros: Any = words.macros(f"{spoken(message.language)}/delivery.jinja")
    items = [
        Item(
            f"#{one['id']} {macros.kinds.get(one['kind'], one['kind'])} · "
            f"{macros.channels[one['channel']]} · {one['name'] or one['recipient']}",
            [macros.states.get(one["state"], one["state"]), one["error"]],
            f"{words.public_url}/#failed",
        )
        for one in about["items"][:LISTED]
    ]
    return _letter(words, conn, message, items, {"count": about["count"], "place": about["who"]}, "")


def _letter(
    words: Words, conn: Connection, message: Message, items: Sequence[Item], values: dict[str, Any], name: str
) -> Letter:
    language, ours = spoken(message.language), utility(conn)
    rest = values["count"] - len(items)
    macros = words.macros(f"{language}/delivery.jinja", rest=rest, **values)
    subject = one_line(said(macros, message.step))
    shown = {
        "subject": subject,
        "items": items,
        "more": said(macros, "more") if rest > 0 else "",
        "closing": said(macros, f"{message.step}_closing"),
        "language": language,
    }
    return Letter(
        subject=subject,
        text=words.text("list.txt.jinja", **shown),
        html=words.html("list.html.jinja", **shown),
        to_name=name,
        from_name=ours.name,
        zone=ours.zone,
        urgent=message.step == "bounced",
    )
