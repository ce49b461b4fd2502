"""A message in words: what every channel needs to send it, whatever it is about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class Attachment:
    """A file that goes with a mail."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True)
class Letter:
    """Subject and text, HTML where there is some; `html` shows a picture as `cid:NAME`.

    Letters with the same `thread` are one conversation in a mailbox. `brief` is what a text message says;
    without it that is the subject and the first link of the text.
    """

    subject: str
    text: str
    html: str = ""
    to_name: str = ""
    from_name: str = ""
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    thread: str = ""
    urgent: bool = False
    brief: str = ""
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    attachments: Sequence[Attachment] = ()
