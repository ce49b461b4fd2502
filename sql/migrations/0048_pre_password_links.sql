-- The link by which somebody sets a password: made by an administrator, good once and for a day.

create table password_link (
    id_sha256 bytea primary key,
    staff_id bigint not null references staff,
    created_at timestamptz not null,
    created_by text not null,
    expires_at timestamptz not null,
    used_at timestamptz
);
create index password_link_staff_idx on password_link (staff_id);
grant select, insert, delete, update (used_at) on password_link to headwater_api;
