"""What figures, charts and parts of the utility are called; English here, Chinese in web/locale."""


def _(source: str) -> str:
    return source


FIGURES: dict[str, dict[str, str]] = {
    "figure": {
        "opened": _("Tickets opened"),
        "response_share": _("Responded in time"),
        "response_kept": _("First responses in time"),
        "response_missed": _("First responses late or overdue"),
        "response_h": _("Median time to the first response"),
        "resolution_share": _("Resolved in time"),
        "resolution_kept": _("Resolutions in time"),
        "resolution_missed": _("Resolutions late or overdue"),
        "resolution_h": _("Median time to resolution"),
        "resolved": _("Resolved by people"),
        "reopened": _("Opened again"),
        "reopened_share": _("Share opened again"),
        "asked": _("Customers asked"),
        "answered": _("Answers"),
        "satisfied": _("Satisfied customers"),
        "satisfied_share": _("Share satisfied"),
        "score": _("Mean score, of 5"),
        "visits_due": _("Visits planned"),
        "visits_done": _("Visits made"),
        "visits_on_time": _("Visits made in time"),
        "visits_postponed": _("Visits put off"),
        "visits_overdue": _("Visits overdue"),
        "visits_share": _("Share of visits in time"),
        "confirmed_events": _("Confirmed leaks that ended"),
        "saved_m3": _("Water saved"),
        "saved_money": _("Saved, in money"),
        "customers": _("Customers with known use"),
        "volume_m3": _("Volume sold"),
        "revenue": _("Revenue"),
        "planned": _("Customers with a water plan"),
        "within_plan": _("Of these within the plan"),
        "plan_share": _("Share within the plan"),
    },
    "figure_chart": {
        "tickets": _("Tickets opened and resolved"),
        "deadlines": _("Deadlines kept"),
        "satisfaction": _("What customers say"),
        "visits": _("Visits and water plans kept"),
        "saved": _("Water saved"),
        "volume": _("Volume sold"),
    },
    "dimension": {
        "utility": _("The whole utility"),
        "region": _("By region"),
        "manager": _("By account manager"),
        "segment": _("By segment"),
        "manager_segment": _("By segment"),
    },
    "recurring": {"customer": _("By customer"), "dma": _("By district"), "meter": _("By meter")},
    "report_scope": {
        "utility": _("The whole utility"),
        "region": _("Region"),
        "manager": _("Account manager"),
    },
    "ticket_verdict": {"kept": _("In time"), "missed": _("Too late")},
}
