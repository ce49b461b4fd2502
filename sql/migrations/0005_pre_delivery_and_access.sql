-- Messages on their way out, who may come in, and what ran when.

create table outbox (
    id bigint generated always as identity primary key,
    ticket_id bigint references ticket,
    event_id bigint references event,
    step text not null,
    channel text not null check (channel in ('email', 'webhook')),
    recipient text not null,
    language text not null default 'zh' check (language in ('zh', 'en')),
    dedupe_key text not null unique,
    message jsonb not null,
    state text not null default 'pending' check (state in ('pending', 'sent', 'dead')),
    attempts int not null default 0,
    not_before timestamptz not null default now(),
    created_at timestamptz not null default now(),
    sent_at timestamptz,
    last_error text
);
create index outbox_pending_idx on outbox (channel, not_before, id) where state = 'pending';
create index outbox_dead_idx on outbox (id) where state = 'dead';
create index outbox_ticket_idx on outbox (ticket_id, id);

create table delivery (
    id bigint generated always as identity primary key,
    outbox_id bigint not null references outbox,
    attempt int not null,
    at timestamptz not null default now(),
    ok boolean not null,
    receipt text not null,
    took_s float4 not null,
    unique (outbox_id, attempt)
);

create table api_key (
    id bigint generated always as identity primary key,
    prefix text not null unique,
    key_sha256 bytea not null unique,
    name text not null,
    scopes text[] not null check (scopes <@
        '{customers:read,readings:read,events:read,tickets:read,tickets:write,quarantine:read,quarantine:write,metrics:read}'),
    staff_id bigint references staff,
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz
);

create table session (
    id_sha256 bytea primary key,
    staff_id bigint not null references staff,
    created_at timestamptz not null default now(),
    seen_at timestamptz not null default now(),
    expires_at timestamptz not null
);
create index session_expires_idx on session (expires_at);

create table job_run (
    job text not null,
    due_at timestamptz not null,
    started_at timestamptz not null default now(),
    finished_at timestamptz,
    worker text not null,
    ok boolean,
    detail text not null default '',
    primary key (job, due_at)
);
create index job_run_started_idx on job_run (started_at);
