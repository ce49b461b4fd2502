"""A letter of a few paragraphs, laid out by `templates/letter.*`: most that are not about an event."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from jinja2.environment import TemplateModule

from notify.letter import Letter
from notify.words import Words, lines, one_line, said


def plain_letter(
    words: Words,
    macros: TemplateModule,
    language: str,
    *,
    signed: str,
    zone: ZoneInfo,
    to_name: str = "",
    url: str = "",
    brief: str | None = None,
) -> Letter:
    """Return what the macros `subject` and `paragraphs` say, and `greeting` and `small` where there are such.

    `url` is where the button leads that the macro `button` names; `brief` what a text message says: "" leaves
    that to the subject and the link.
    """
    subject = one_line(said(macros, "subject"))
    small: Sequence[str] = lines(macros, "small") if hasattr(macros, "small") else []
    shown = {
        "subject": subject,
        "greeting": said(macros, "greeting") if hasattr(macros, "greeting") else "",
        "paragraphs": lines(macros, "paragraphs"),
        "button": (said(macros, "button"), url) if url else None,
        "small": small,
        "signed": signed,
        "language": language,
        "w": words.plain.get_template(f"{language}/words.jinja").module,
    }
    return Letter(
        subject=subject,
        text=words.text("letter.txt.jinja", **shown),
        html=words.html("letter.html.jinja", **shown),
        to_name=to_name,
        from_name=signed,
        zone=zone,
        brief=subject if brief is None else brief,
    )
