-- name: unknown
select a from unnest(%(accounts)s::text[]) a where not exists (select from customer c where c.account_no = a) order by a;

-- name: put
with given as (
    select r.account_no, r.balance::numeric(14, 2) as balance, r.as_of, b.as_of > r.as_of as older
    from jsonb_to_recordset(%(rows)s::jsonb) r (account_no text, balance numeric, as_of date)
    join customer c on c.account_no = r.account_no
    left join customer_balance b on b.account_no = r.account_no
), written as (
    insert into customer_balance as b (account_no, balance, as_of, received_at, received_by)
    select account_no, balance, as_of, %(at)s, %(by)s from given
    on conflict (account_no) do update set balance = excluded.balance, as_of = excluded.as_of,
        received_at = excluded.received_at, received_by = excluded.received_by
    where b.as_of <= excluded.as_of and (b.balance, b.as_of) is distinct from (excluded.balance, excluded.as_of)
    returning 1
)
select (select count(*) from written), count(*) filter (where older) from given;
