"""Read a mail that came in (RFC 5322): who, about what, in answer to what. Nothing that is sent breaks it."""

import hashlib
import re
from collections.abc import Iterator
from email import policy
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesHeaderParser, BytesParser
from email.utils import parseaddr
from html.parser import HTMLParser

import structlog

from core.errors import BadDataError
from service.attachments import File
from service.inbox import Mail, MailKind

log = structlog.get_logger(__name__)
LONGEST_BYTES = 25 * 2**20
LONGEST_TEXT = 10_000
_MOST_PARTS = 200
_MARKUP_CHARS = 400_000
_THREAD = re.compile(r"<ticket\.(\d{1,18})\.([0-9a-f]{1,16})@")
_NAMED = re.compile(r"\[#(\d{1,18})\]")
_QUOTE = re.compile(
    r"^(>|-{2,} ?(original message|forwarded message|原始邮件|回复的邮件)|(from|发件人|寄件者) ?[:\uff1a]|"
    r"on .{6,120} wrote:\s*$|在?.{4,80}写道[:\uff1a]\s*$|_{20,})",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"[^\s<>()\[\]\",;:@]+@[^\s<>()\[\]\",;:@]+")
_BLOCKS = frozenset({"p", "div", "br", "tr", "li", "h1", "h2", "h3", "h4", "blockquote", "table", "pre"})
_SILENT = frozenset({"script", "style", "head", "title"})


def read(raw: bytes, our_address: str) -> Mail:
    """Return what the mail says; `our_address` tells our own mails that come back.

    Raises BadDataError for what is too long or no mail at all. Odd coding, nesting or a missing charset cost
    parts of the text at most.
    """
    if len(raw) > LONGEST_BYTES:
        raise BadDataError(f"The mail has {len(raw)} bytes, more than {LONGEST_BYTES}.", cure="Send less.")
    try:
        message: Message = BytesParser(policy=policy.compat32).parsebytes(raw)
    except RecursionError:  # parts within parts within parts
        message = BytesHeaderParser(policy=policy.compat32).parsebytes(raw)
        message.set_type("text/plain")
    headers = _headers(message)
    our_address = parseaddr(our_address)[1]
    name, sender = _sender(headers.get("from", ""))
    if not sender:
        raise BadDataError("The mail has no sender.", cure="It needs a header From with an address.")
    subject = _one_line(headers.get("subject", ""))[:200]
    text, files = _content(message)
    threads = _THREAD.findall(headers.get("in-reply-to", "") + headers.get("references", ""))
    named = _NAMED.findall(subject)
    answers = bool(threads or named)
    return Mail(
        message_id=_identity(headers, raw),
        kind=_kind(headers, message, sender, our_address),
        sender=sender.lower(),
        name=_one_line(name)[:200],
        subject=subject,
        text=(_without_quote(text) if answers else text)[:LONGEST_TEXT],
        threads=tuple((int(id_), int(opened, 16)) for id_, opened in dict.fromkeys(threads)),
        named=tuple(int(id_) for id_ in dict.fromkeys(named)),
        files=files,
    )


def _identity(headers: dict[str, str], raw: bytes) -> str:
    """Return the Message-ID, or what stands for it where there is none or no usable one."""
    given = headers.get("message-id", "").strip()
    return given if 3 <= len(given) <= 500 else f"sha256:{hashlib.sha256(raw).hexdigest()}"


def _kind(headers: dict[str, str], message: Message, sender: str, our_address: str) -> MailKind:
    if sender.lower() == our_address.lower() or headers.get("message-id", "").startswith("<outbox."):
        return "own"
    null_sender = headers.get("return-path", "").strip() == "<>"
    if message.get_content_type() == "multipart/report" or sender.lower().startswith("mailer-daemon@"):
        return "bounce"
    submitted = headers.get("auto-submitted", "no").partition(";")[0].strip().lower()
    precedence = headers.get("precedence", "").strip().lower()
    told = submitted not in {"no", ""} or precedence in {"bulk", "list", "junk", "auto_reply"}
    answered = any(
        name in headers for name in ("x-autoreply", "x-autorespond", "list-id", "list-unsubscribe")
    )
    return "automatic" if null_sender or told or answered else "person"


def _sender(header: str) -> tuple[str, str]:
    """Return name and address of who wrote; of a header that is out of form the first that looks like one."""
    line = _one_line(header)
    name, address = parseaddr(line)
    if "@" in address:
        return name, address
    found = _ADDRESS.search(line)
    return "", found[0] if found else ""


def _headers(message: Message) -> dict[str, str]:
    """Return the headers by lower-case name, the first of each but all of References, decoded."""
    found: dict[str, str] = {}
    for name, value in message.raw_items():
        found.setdefault(name.lower(), _decoded(str(value)))
    return found


def _decoded(value: str) -> str:
    """Decode encoded words; bytes that are no ASCII are UTF-8, else what Chinese mailers send."""
    plain = _as_text(value.encode("utf-8", "surrogateescape"), None)
    try:
        plain = str(make_header(decode_header(plain)))
    except (ValueError, LookupError, AssertionError):  # HeaderParseError is a ValueError
        log.debug("a header could not be decoded")
    return _storable(plain)


def _content(message: Message) -> tuple[str, tuple[File, ...]]:
    """Return the text, plain rather than made of HTML, and what is attached."""
    plain: list[str] = []
    markup: list[str] = []
    attached: list[File] = []
    try:
        for part in _leaves(message):
            kind = part.get_content_type()
            if part.get_content_disposition() == "attachment" or not kind.startswith("text/"):
                content = part.get_payload(decode=True)
                name = _one_line(_decoded(part.get_filename() or kind))[:200]
                attached.append(File(name, content if isinstance(content, bytes) else b""))
            else:
                (markup if kind == "text/html" else plain).append(_text_of(part))
    except Exception:  # the library stumbles over odd parts in ways of its own; the mail counts all the same
        log.warning("parts of a mail could not be read", exc_info=True)
    text = "\n".join(plain).strip() or _from_markup("\n".join(markup))
    return _storable(text).strip(), tuple(attached[:50])


def _leaves(message: Message) -> Iterator[Message]:
    """Yield the parts that hold something, the first few hundred, without recursion."""
    waiting = [message]
    for _ in range(_MOST_PARTS):
        if not waiting:
            return
        part = waiting.pop(0)
        inside = part.get_payload()
        if isinstance(inside, list):
            waiting[:0] = [p for p in inside[:_MOST_PARTS] if isinstance(p, Message)]
        else:
            yield part


def _text_of(part: Message) -> str:
    payload = part.get_payload(decode=True)
    return _as_text(payload, part.get_content_charset()) if isinstance(payload, bytes) else ""


def _as_text(payload: bytes, charset: str | None) -> str:
    declared = [charset] if charset and charset.lower() not in {"gb2312", "gbk", "us-ascii"} else []
    for coding in [*declared, "utf-8"]:
        try:
            return payload.decode(coding)
        except (LookupError, ValueError):
            continue
    return payload.decode("gb18030", "replace")


def _without_quote(text: str) -> str:
    """Return what stands before the mail that is answered; all of it where nothing does."""
    lines = text.splitlines()
    end = next((n for n, line in enumerate(lines) if _QUOTE.match(line.strip())), len(lines))
    return "\n".join(lines[:end]).strip() or text


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in _SILENT
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in _SILENT and self._silent > 0

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data)


def _from_markup(markup: str) -> str:
    parser = _Text()
    parser.feed(markup[:_MARKUP_CHARS])
    lines = (" ".join(line.split()) for line in "".join(parser.parts).splitlines())
    return "\n".join(line for line in lines if line)


def _storable(text: str) -> str:
    """Return the text without what PostgreSQL can't keep."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "")


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
