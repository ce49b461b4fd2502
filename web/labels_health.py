"""What jobs, reasons of quarantine and messages are called; English here, Chinese in web/locale."""


def _(source: str) -> str:
    return source


HEALTH: dict[str, dict[str, str]] = {
    "reason": {
        "malformed": _("Can’t be read"),
        "unknown_meter": _("Unknown meter"),
        "wrong_meter": _("Names another meter"),
        "bad_value": _("Impossible value"),
        "future_timestamp": _("Time in the future"),
        "too_old": _("Too old"),
        "conflicting_duplicate": _("Contradicts what is stored"),
        "unsupported": _("Unknown field or topic"),
    },
    "reason_cure": {
        "malformed": _(
            "The payload is not in the form that the topic asks for. Have the gateway’s format corrected;"
            " try again only if the codec was changed here."
        ),
        "unknown_meter": _("Register the meter (import or billing system), then try its payloads again."),
        "wrong_meter": _(
            "The topic names one meter and the payload another: check the wiring or configuration of the"
            " gateway. Trying again does not help until it is put right."
        ),
        "bad_value": _(
            "A value is beyond what a meter can show, or not a number. Have the meter looked at; the payload"
            " stays here as evidence."
        ),
        "future_timestamp": _(
            "The meter’s clock runs ahead. Set it, then try again once the time that it names has come."
        ),
        "too_old": _(
            "It is older than readings are kept. Keep readings longer (HEADWATER_RETENTION_DAYS),"
            " or leave it."
        ),
        "conflicting_duplicate": _(
            "The meter has said something else for the same time; the first word stands. Check whether two"
            " devices send under one serial number."
        ),
        "unsupported": _(
            "The payload has a field, or comes on a topic, that no codec knows. Add the codec or correct the"
            " device, then try again."
        ),
    },
    "consumer": {"detect": _("Waits for detection"), "notify.tickets": _("Waits to become tickets")},
    "job_state": {
        "ok": _("Good"),
        "failed": _("Failed"),
        "late": _("Overdue"),
        "running": _("Running"),
        "waiting": _("Not run yet"),
    },
    "job": {
        "deadlines": _("Reminders and escalation"),
        "outages": _("Watch over outages"),
        "retention": _("Old readings"),
        "housekeeping": _("Housekeeping"),
        "surveys": _("Silent consent"),
        "figures": _("Figures of the months"),
        "report": _("Monthly report by mail"),
        "webhooks": _("Failing webhooks"),
        "failures": _("Messages that did not arrive"),
        "months": _("Water balance and pressure"),
        "customer_months": _("Use of customers by month"),
        "usage_days": _("Use of meters by day"),
        "contact_checks": _("Contacts in doubt"),
        "segments": _("Segments"),
        "absences": _("Cover for the absent"),
        "visits": _("Plan of visits"),
        "inspections": _("Inspections before frost and heat"),
        "visits_today": _("Today’s agendas"),
        "visits_week": _("Next week’s visits"),
        "plans": _("Forecast of water plans"),
        "plan_proposals": _("Proposals of water plans"),
        "visit_letters": _("Visits by letter"),
    },
    "message_kind": {
        "ticket": _("Ticket"),
        "outage": _("Outage"),
        "survey": _("Survey"),
        "report": _("Report"),
        "visit": _("Visit"),
        "plan": _("Water plan"),
        "case": _("Ticket"),
        "customer": _("Letter to the customer"),
        "outage_staff": _("Outage"),
        "hand_over": _("Hand-over"),
        "failures": _("Messages that did not arrive"),
        "test": _("Test message"),
        "change": _("Change, to a program"),
    },
    "receipt": {
        "attempt": _("Try"),
        "bounced": _("Came back"),
        "delayed": _("Delivery delayed"),
        "retried": _("Sent again"),
        "dismissed": _("Set aside"),
        "passed_on": _("Passed on"),
    },
}
