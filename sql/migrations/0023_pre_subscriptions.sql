-- A subscriber may change the language of the report.

grant update (language) on report_subscription to headwater_api;
