"""The items of an agenda in words, Chinese and English."""

from collections.abc import Mapping
from datetime import date
from typing import Any

GROUPS = {
    "leak": ("漏水", "leak"),
    "network": ("管网异常", "network finding"),
    "pressure": ("水压异常", "pressure finding"),
    "industrial": ("用水异常", "unusual use"),
    "plan": ("用水计划", "water plan"),
    "device": ("水表故障", "meter fault"),
    "welfare": ("用户关怀", "welfare check"),
    "profile": ("用水习惯改变", "change of use"),
    "case": ("服务事项", "service case"),
}
FIELDS = {
    "phone": ("电话", "phone"),
    "email": ("邮箱", "e-mail"),
    "address": ("地址", "address"),
    "all": ("联系信息", "contact data"),
}
#: By kind: Chinese, English. Names in braces are figures; `_more` is a change in words.
WORDS: dict[str, tuple[str, str]] = {
    "inspection_frost": (
        "预报 {since} 至 {until} 最低气温 {lowest_c} ℃：检查水表井、外露管道与阀门的防冻保温。",
        "Forecast down to {lowest_c} °C from {since} to {until}: check frost protection of meter pit, "
        "exposed pipes and valves.",
    ),
    "inspection_heat": (
        "预报 {since} 至 {until} 最高气温 {highest_c} ℃：确认高峰用水、冷却用水与备用水源的安排。",
        "Forecast up to {highest_c} °C from {since} to {until}: go through peak demand, cooling water and "
        "reserve supply.",
    ),
    "inspection_device": (
        "水表 {meter} 自 {since} 起有设备告警：现场检查。",
        "Meter {meter} has reported a device fault since {since}: look at it on site.",
    ),
    "question": ("{asked_on} 走访遗留问题：{text}", "Left open at the visit of {asked_on}: {text}"),
    "use": ("近 {days} 天用水 {used_m3} m³。", "{used_m3} m³ used in the last {days} days."),
    "use_before": (
        "近 {days} 天用水 {used_m3} m³，日均{before_more}（{before_m3} m³）。",
        "{used_m3} m³ used in the last {days} days, {before_more} in the time before ({before_m3} m³).",
    ),
    "use_year": (
        "近 {days} 天用水 {used_m3} m³，日均{year_more}（{year_m3} m³）。",
        "{used_m3} m³ used in the last {days} days, {year_more} a year ago ({year_m3} m³).",
    ),
    "use_before_year": (
        "近 {days} 天用水 {used_m3} m³，日均{before_more}（{before_m3} m³），{year_more}（{year_m3} m³）。",
        "{used_m3} m³ used in the last {days} days: {before_more} in the time before ({before_m3} m³), "
        "{year_more} a year ago ({year_m3} m³).",
    ),
    "use_unknown": (
        "近 {days} 天没有用水数据：核实水表是否正常传数。",
        "No use is known of the last {days} days: find out whether the meter still reports.",
    ),
    "plan": ("本月用水计划 {plan_m3} m³。", "This month's water plan is {plan_m3} m³."),
    "plan_used": (
        "本月用水计划 {plan_m3} m³，已用 {used_m3} m³（{share}%）。",
        "This month's water plan is {plan_m3} m³, of which {used_m3} m³ ({share} %) are used.",
    ),
    "plan_forecast": (
        "本月用水计划 {plan_m3} m³，已用 {used_m3} m³（{share}%），预计月末 {forecast_m3} m³"
        "（{low_m3}–{high_m3} m³）。",
        "This month's water plan is {plan_m3} m³, {used_m3} m³ ({share} %) are used; {forecast_m3} m³ are "
        "expected by its end ({low_m3} to {high_m3} m³).",
    ),
    "event_open": (
        "{group}，自 {since} 起未消除（{magnitude} {unit}，{subject}）。",
        "{Group} since {since}, still going on ({magnitude} {unit}, {subject}).",
    ),
    "event_open_lost": (
        "{group}，自 {since} 起未消除（{magnitude} {unit}，{subject}），累计约 {loss_m3} m³、水费 {money}。",
        "{Group} since {since}, still going on ({magnitude} {unit}, {subject}): {loss_m3} m³ and {money} in "
        "water charges so far.",
    ),
    "event_over": (
        "{group}，{since} 至 {until}（{subject}），已消除。",
        "{Group} from {since} to {until} ({subject}), over.",
    ),
    "event_over_lost": (
        "{group}，{since} 至 {until}（{subject}），已消除；损失约 {loss_m3} m³、水费 {money}。",
        "{Group} from {since} to {until} ({subject}), over; it cost {loss_m3} m³ and {money} in charges.",
    ),
    "ticket_open": (
        "工单 #{ticket_id}（{title}），{opened_on} 受理，办结时限 {due_on}。",
        "Ticket #{ticket_id} ({title}) of {opened_on} is open, to be resolved by {due_on}.",
    ),
    "ticket_overdue": (
        "工单 #{ticket_id}（{title}），{opened_on} 受理，已超过办结时限 {due_on}。",
        "Ticket #{ticket_id} ({title}) of {opened_on} is past its deadline, {due_on}.",
    ),
    "ticket_reopened": (
        "工单 #{ticket_id}（{title}），{opened_on} 受理，已重新打开，办结时限 {due_on}。",
        "Ticket #{ticket_id} ({title}) of {opened_on} was reopened, to be resolved by {due_on}.",
    ),
    "ticket_resolved": (
        "工单 #{ticket_id}（{title}），{resolved_on} 办结：询问是否满意。",
        "Ticket #{ticket_id} ({title}) was resolved on {resolved_on}: ask whether it was to satisfaction.",
    ),
    "ticket_resolved_satisfied": (
        "工单 #{ticket_id}（{title}），{resolved_on} 办结，客户满意。",
        "Ticket #{ticket_id} ({title}) was resolved on {resolved_on}, the customer was satisfied.",
    ),
    "ticket_resolved_dissatisfied": (
        "工单 #{ticket_id}（{title}），{resolved_on} 办结，客户不满意：当面了解原因。",
        "Ticket #{ticket_id} ({title}) was resolved on {resolved_on}, not to satisfaction: ask why.",
    ),
    "meters_heard": (
        "{meters} 只水表，近两天均正常传数。",
        "Meters: {meters}, all heard within the last two days.",
    ),
    "meter_quiet": (
        "水表 {meter} 自 {since} 起没有数据。",
        "Meter {meter} has not been heard since {since}.",
    ),
    "meter_never_heard": ("水表 {meter} 从未传数。", "Meter {meter} has never been heard."),
    "contact_missing": (
        "没有登记电话和邮箱：请补登。",
        "Neither phone nor e-mail is on record: ask for them.",
    ),
    "contact_bounced": (
        "{field}可能已失效（{since}，{why}）：请核实。",
        "The {field} may no longer hold ({since}, {why}): verify.",
    ),
    "contact_occupancy_change": (
        "用水习惯改变，可能换了住户（{since}，{why}）：请核实{field}。",
        "The use has changed for good, perhaps the occupant too ({since}, {why}): verify the {field}.",
    ),
    "contact_old": (
        "{field}长期未核实（{since}，{why}）：请核实。",
        "The {field} has not been confirmed for long ({since}, {why}): verify.",
    ),
    "contact_conflicting": (
        "{field}有出入（{since}，{why}）：请核实。",
        "There are two versions of the {field} ({since}, {why}): verify.",
    ),
}


def say(kind: str, language: str, figures: Mapping[str, Any]) -> str:
    """Return an item in words; KeyError for a kind or a figure that isn't there."""
    english = language != "zh"
    values = {name: _said(value, english) for name, value in figures.items()}
    for name, then in (("before", "前期"), ("year", "去年同期")):
        if f"{name}_change" in figures:
            values[f"{name}_more"] = _more(figures[f"{name}_change"], then, english)
    if "group" in figures:
        values["group"] = GROUPS[figures["group"]][english]
        values["Group"] = values["group"].capitalize()
        values["title"] = figures.get("subject") or values["group"]
    if "field" in figures:
        values["field"] = FIELDS[figures["field"]][english]
    return WORDS[kind][english].format(**values)


def _more(percent: float, then: str, english: bool) -> str:
    if abs(percent) < 1:
        return "as much a day as" if english else f"与{then}持平"
    size = f"{abs(percent):,.0f}"
    if english:
        return f"{size} % {'more' if percent > 0 else 'less'} a day than"
    return f"比{then}{'增加' if percent > 0 else '减少'} {size}%"


def _said(value: Any, english: bool) -> str:
    if isinstance(value, float):
        return f"{value:,.2f}".rstrip("0").rstrip(".")
    if isinstance(value, int):
        return f"{value:,}"
    try:
        day = date.fromisoformat(str(value))
    except ValueError:
        return str(value)
    return f"{day.day} {day:%b %Y}" if english else f"{day.year} 年 {day.month} 月 {day.day} 日"
