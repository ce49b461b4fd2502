"""The monthly report: the key figures in the mail, the whole as a PDF."""

from datetime import date

from notify.channels import Message
from notify.letter import Attachment, Letter
from notify.report.compose import Composer
from notify.words import Words, one_line, spoken
from service import report
from sql.pool import Connection


def letter(words: Words, conn: Connection, message: Message, *, pictures: bool) -> Letter:
    """Return the letter; the report is made of the figures as they stand."""
    about = message.message
    month = date.fromisoformat(about["month"])
    scope = report.scope(conn, about["scope"], about["key"])
    gathered = report.load(conn, month, scope, at=message.created_at)
    language = spoken(message.language)
    document = Composer(gathered, language).document()
    label = f"{document['title']} · {document['month']} · {document['scope']}"
    subject = one_line(f"{gathered.utility} {label}")
    shown = {
        "subject": subject,
        "greeting": label,
        "paragraphs": [_line(tile) for tile in document["tiles"]],
        "button": None,
        "small": [document["made"]],
        "signed": gathered.utility,
        "language": language,
        "w": words.plain.get_template(f"{language}/words.jinja").module,
    }
    name = f"report-{month:%Y-%m}-{language}.pdf"
    return Letter(
        subject=subject,
        text=words.text("letter.txt.jinja", **shown),
        html=words.html("letter.html.jinja", **shown),
        to_name=about["name"],
        from_name=gathered.utility,
        zone=gathered.zone,
        attachments=[Attachment(name, "application/pdf", words.printer.pdf(gathered, language))],
    )


def _line(tile: dict[str, str]) -> str:
    value = " ".join(part for part in (tile["value"], tile["unit"]) if part)
    change = f" ({tile['change']})" if tile["change"] else ""
    return f"{tile['label']}: {value}{change}"
