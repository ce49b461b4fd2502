-- name: key_by_prefix
select k.id, k.prefix, k.name, k.key_sha256, k.old_sha256, k.old_until, k.scopes, k.expires_at, k.revoked_at,
    k.last_used_at, k.requests_a_minute, k.staff_id, s.login, s.roles, s.active
from api_key k left join staff s on s.id = k.staff_id
where k.prefix = %(prefix)s;

-- name: key_used
update api_key set last_used_at = %(now)s
where id = %(id)s and (last_used_at is null or last_used_at < %(before)s);

-- name: key_create
insert into api_key (prefix, key_sha256, name, scopes, staff_id, created_at, created_by, expires_at, requests_a_minute)
values (%(prefix)s, %(sha256)s, %(name)s, %(scopes)s, %(staff_id)s, %(now)s, %(created_by)s, %(expires_at)s,
    %(requests_a_minute)s);

-- name: key_lock
select staff_id, scopes, expires_at, revoked_at from api_key where prefix = %(prefix)s for update;

-- name: key_revoke
update api_key set revoked_at = coalesce(revoked_at, %(now)s), old_until = null where prefix = %(prefix)s;

-- name: key_rotate
update api_key set old_sha256 = key_sha256, old_until = %(old_until)s, key_sha256 = %(sha256)s, rotated_at = %(now)s
where prefix = %(prefix)s;

-- name: key_limit
update api_key set requests_a_minute = %(requests_a_minute)s where prefix = %(prefix)s;

-- name: keys seq: api_key, staff
select k.prefix, k.name, k.scopes, s.login as staff, k.created_at, k.created_by, k.expires_at, k.revoked_at,
    k.last_used_at, k.rotated_at, k.old_until, k.requests_a_minute
from api_key k left join staff s on s.id = k.staff_id
where (k.created_at, k.prefix) < (%(at)s::timestamptz, %(prefix)s::text)
    and (%(staff_id)s::bigint is null or k.staff_id = %(staff_id)s)
order by k.created_at desc, k.prefix desc limit %(limit)s;

-- name: key seq: staff
select k.prefix, k.name, k.scopes, s.login as staff, k.created_at, k.created_by, k.expires_at, k.revoked_at,
    k.last_used_at, k.rotated_at, k.old_until, k.requests_a_minute
from api_key k left join staff s on s.id = k.staff_id
where k.prefix = %(prefix)s;

-- name: staff_by_login
select id from staff where login = %(login)s and active;

-- name: note
insert into audit (at, actor, via, method, route, subject_kind, subject, status, request_id, address)
select at, actor, via, method, route, subject_kind, subject, status, request_id, address
from jsonb_to_recordset(%(entries)s::jsonb) as e (at timestamptz, actor text, via text, method text, route text,
    subject_kind text, subject text, status smallint, request_id text, address text);

-- name: audit
select at, id, actor, via, method, route, subject_kind, subject, status, request_id, address
from seen_audit
where (at, id) < (%(at)s::timestamptz, %(id)s::bigint)
    and (%(actor)s::text is null or actor = %(actor)s)
    and (%(subject_kind)s::text is null or subject_kind = %(subject_kind)s)
    and (%(subject)s::text is null or subject = %(subject)s)
    and (%(method)s::text is null or method = %(method)s)
    and (%(since)s::timestamptz is null or at >= %(since)s)
    and (%(until)s::timestamptz is null or at < %(until)s)
order by at desc, id desc limit %(limit)s;

-- name: claim_deed
select pg_try_advisory_xact_lock(hashtextextended(%(caller)s || ' ' || %(key)s, 0)),
    set_config('headwater.caller', %(caller)s, true);

-- name: deed
select request_sha256, status, body from idempotency
where caller = %(caller)s and key = %(key)s and at > %(since)s;

-- name: keep_deed
insert into idempotency (caller, key, request_sha256, at, status, body)
values (%(caller)s, %(key)s, %(request_sha256)s, %(at)s, %(status)s, %(body)s)
on conflict (caller, key) do update set request_sha256 = excluded.request_sha256, at = excluded.at,
    status = excluded.status, body = excluded.body;
