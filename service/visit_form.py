"""What the outcome of a visit asks, by how the visit is made; a console or field app draws it from this.

`profiles` and `visits` have the last word on what is taken; each field here is one that they know.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from core.words import Sector
from service import profiles, visits
from service.visits import Form

FieldType = Literal[
    "text", "long_text", "phone", "email", "choice", "whole_number", "yes_no", "texts", "date"
]


@dataclass(frozen=True)
class Choice:
    """A value that is allowed, and its name."""

    value: str
    zh: str
    en: str


@dataclass(frozen=True)
class FormField:
    """A field: `path` is where its value stands in the body of the outcome, as `learned.phone`.

    `nullable`: may be emptied; `most` is the longest text in characters, or the most entries of a list.
    """

    path: str
    type: FieldType
    zh: str
    en: str
    required: bool = False
    nullable: bool = False
    least: int | None = None
    most: int | None = None
    choices: Sequence[Choice] = ()


@dataclass(frozen=True)
class OutcomeForm:
    """The fields of a visit made this way, in the order in which they are asked."""

    form: Form
    zh: str
    en: str
    fields: Sequence[FormField] = field(default_factory=list)


_FORMS: dict[Form, tuple[str, str]] = {
    "on_site": ("上门走访", "On site"),
    "call": ("电话回访", "By telephone"),
    "letter": ("信函联系", "By letter"),
}
_SECTORS = {
    Sector.RESIDENTIAL: ("居民", "Residential"),
    Sector.INDUSTRIAL: ("工业", "Industrial"),
    Sector.COMMERCIAL: ("商业", "Commercial"),
    Sector.INSTITUTIONAL: ("公共机构", "Institutional"),
}
_LANGUAGES = [Choice("zh", "中文", "Chinese"), Choice("en", "英文", "English")]
_PRIORITIES = [
    Choice("urgent", "紧急", "Urgent"),
    Choice("high", "高", "High"),
    Choice("normal", "一般", "Normal"),
    Choice("low", "低", "Low"),
]
_CHANNELS = [Choice("email", "电子邮件", "E-mail"), Choice("sms", "短信", "Text message")]


def _learned(column: str, type_: FieldType, zh: str, en: str, **more: int | Sequence[Choice]) -> FormField:
    if type_ in {"text", "phone", "email"}:
        more = {"most": profiles.LONGEST, **more}
    nullable = column in profiles.NULLABLE
    return FormField(f"learned.{column}", type_, zh, en, nullable=nullable, **more)  # type: ignore[arg-type]


_CONTACT = [
    _learned("name", "text", "户名", "Name"),
    _learned("phone", "phone", "联系电话", "Telephone"),
    _learned("email", "email", "电子邮箱", "E-mail"),
    _learned("address", "text", "地址", "Address"),
    _learned("language", "choice", "沟通语言", "Language", choices=_LANGUAGES),
    _learned("channel", "choice", "联系方式", "Channel", choices=_CHANNELS),
]
_HOUSEHOLD = [
    _learned("household_size", "whole_number", "居住人数", "People in the household", least=0),
    _learned("lives_alone", "yes_no", "独居", "Lives alone"),
    _learned("needs", "texts", "特殊需求", "Special needs", most=profiles.MOST_NEEDS),
]
_PLACE = [
    _learned(
        "sector", "choice", "用水性质", "Sector", choices=[Choice(s.value, *_SECTORS[s]) for s in Sector]
    ),
    _learned("category", "text", "行业类别", "Category"),
    _learned("shifts", "text", "班次（如 mo-fr 08:00-18:00）", "Shifts, like mo-fr 08:00-18:00"),
    _learned("dwellings", "whole_number", "户数", "Dwellings", least=1),
]
_SAID = FormField("discussed", "long_text", "沟通内容", "What was discussed", required=True, most=10_000)
_AFTER = [
    FormField("open_questions", "texts", "待解决问题", "Open questions", most=20),
    FormField("follow_up.subject", "text", "后续工单：事项", "Follow-up ticket: subject", most=200),
    FormField("follow_up.said", "long_text", "后续工单：说明", "Follow-up ticket: details", most=10_000),
    FormField(
        "follow_up.priority", "choice", "后续工单：优先级", "Follow-up ticket: priority", choices=_PRIORITIES
    ),
    FormField("next_on", "date", "约定的下次走访日", "Day agreed for the next visit"),
    FormField("held_on", "date", "走访日期", "Day it took place"),
]
_LEARNED: dict[Form, Sequence[FormField]] = {
    "on_site": [*_CONTACT, *_HOUSEHOLD, *_PLACE],
    "call": [*_CONTACT, *_HOUSEHOLD, *_PLACE[1:3]],
    "letter": _CONTACT,
}


def forms() -> list[OutcomeForm]:
    """Return the forms, one for each way in which a visit is made."""
    return [
        OutcomeForm(form, *_FORMS[form], [_SAID, *_LEARNED[form], *_AFTER]) for form in get_args(visits.Form)
    ]
