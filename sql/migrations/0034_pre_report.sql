-- Whose resolutions a week counts; a subscriber may change the language of the report.

-- squawk-ignore require-concurrent-index-creation
create index ticket_round_resolved_idx on ticket_round (resolved_at);
-- squawk-ignore require-concurrent-index-creation
create index ticket_resolved_at_idx on ticket (resolved_at) where resolved_at is not null;

grant update (language) on report_subscription to headwater_api;
