-- Whose resolutions a week counts.

-- squawk-ignore require-concurrent-index-creation
create index ticket_round_resolved_idx on ticket_round (resolved_at);
-- squawk-ignore require-concurrent-index-creation
create index ticket_resolved_at_idx on ticket (resolved_at) where resolved_at is not null;
