-- People who sign in to the console: with a password of their own or an identity of the utility's provider.

alter table staff
    add column password_at timestamptz,
    add column failed_logins int not null default 0,
    add column locked_until timestamptz,
    add column oidc_subject text,
    add column theme text not null default 'auto',
    add column looked_at timestamptz;
-- squawk-ignore constraint-missing-not-valid
alter table staff add constraint staff_theme_check check (theme in ('auto', 'light', 'dark'));
-- squawk-ignore require-concurrent-index-creation
create unique index staff_oidc_subject_idx on staff (oidc_subject);
-- squawk-ignore require-concurrent-index-creation
create index session_staff_idx on session (staff_id);
alter table session add column agent text not null default '', add column address text not null default '';

-- One at a time and by its login only: the API has no business with the list of them.
create function staff_credential(wanted text, out staff_id bigint, out hash text, out failures int, out locked timestamptz)
    language sql stable security definer set search_path = public, pg_temp as $$
    select id, password_hash, failed_logins, locked_until from staff where login = wanted and active
$$;
revoke all on function staff_credential from public;
grant execute on function staff_credential to headwater_api;
grant select (password_at, failed_logins, locked_until, oidc_subject, theme, looked_at),
    update (language, password_hash, password_at, failed_logins, locked_until, oidc_subject, theme, looked_at) on staff to headwater_api;
grant select, insert, delete, update (seen_at) on session to headwater_api;
