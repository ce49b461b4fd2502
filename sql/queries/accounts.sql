-- Who may sign in to the console, and who has.

-- name: by_login
select staff_id, hash, failures, locked from staff_credential(%(login)s) where staff_id is not null

-- name: failed
update staff set failed_logins = failed_logins + 1,
    locked_until = case when failed_logins + 1 >= %(most)s then %(until)s else locked_until end
where id = %(staff_id)s

-- name: succeeded
update staff set failed_logins = 0, locked_until = null where id = %(staff_id)s

-- name: set_password
update staff set password_hash = %(hash)s, password_at = %(at)s, failed_logins = 0, locked_until = null
where id = %(staff_id)s

-- name: open_session
insert into session (id_sha256, staff_id, created_at, seen_at, expires_at, agent, address)
values (%(id)s, %(staff_id)s, %(at)s, %(at)s, %(until)s, %(agent)s, %(address)s)

-- name: session
select s.id_sha256, s.seen_at, s.expires_at, t.id, t.login, t.name, t.language, t.theme, t.roles
from session s join staff t on t.id = s.staff_id
where s.id_sha256 = %(id)s and s.expires_at > %(at)s and s.seen_at > %(idle)s and t.active

-- name: session_seen
update session set seen_at = %(at)s where id_sha256 = %(id)s

-- name: close_session
delete from session where id_sha256 = %(id)s

-- name: close_sessions
delete from session where staff_id = %(staff_id)s and id_sha256 is distinct from %(but)s

-- name: sessions
select id_sha256, created_at, seen_at, agent, address from session
where staff_id = %(staff_id)s and expires_at > %(at)s and seen_at > %(idle)s order by seen_at desc

-- name: prefer
update staff set language = coalesce(%(language)s, language), theme = coalesce(%(theme)s, theme)
where id = %(staff_id)s

-- name: looked_at
select looked_at from staff where id = %(staff_id)s

-- name: looked
update staff set looked_at = %(at)s where id = %(staff_id)s

-- name: by_subject
select id from staff where oidc_subject = %(subject)s and active

-- name: take_subject
update staff set oidc_subject = %(subject)s
where active and oidc_subject is null and lower(email) = lower(%(email)s)
    and not exists (select from staff o where lower(o.email) = lower(%(email)s) and o.active and o.id <> staff.id)
    and not exists (select from staff o where o.oidc_subject = %(subject)s)
returning id

-- name: forget_subject
update staff set oidc_subject = null where login = %(login)s and active returning id;

-- name: close_one
delete from session where staff_id = %(staff_id)s and encode(id_sha256, 'hex') like %(start)s || '%%'
    and id_sha256 <> %(but)s

-- name: drop_links seq: password_link
delete from password_link where staff_id = %(staff_id)s and used_at is null or expires_at < %(at)s::timestamptz - interval '30 days'

-- name: add_link
insert into password_link (id_sha256, staff_id, created_at, created_by, expires_at)
values (%(id)s, %(staff_id)s, %(at)s, %(by)s, %(until)s)

-- name: link
select t.login, t.name from password_link l join staff t on t.id = l.staff_id
where l.id_sha256 = %(id)s and l.used_at is null and l.expires_at > %(at)s and t.active

-- name: use_link
update password_link set used_at = %(at)s where id_sha256 = %(id)s and used_at is null and expires_at > %(at)s
