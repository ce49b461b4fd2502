-- name: survey_key
select key from signing_key where purpose = 'survey';

-- name: survey_policy
select valid_days, confirm_days, rest_days from survey_policy where one;

-- name: survey_ticket
select t.state, t.account_no, t.subject, t.grp, t.opened_at, c.name,
    coalesce((select max(s.round) from survey s where s.ticket_id = t.id), 0)
from ticket t left join customer c on c.account_no = t.account_no
where t.id = %(ticket_id)s;

-- name: latest_survey
select s.id, s.round, s.sent_at >= t.resolved_at, s.answered_at is not null
from ticket t join survey s on s.ticket_id = t.id
where t.id = %(ticket_id)s
order by s.round desc limit 1;

-- name: asked_lately
select exists (select from survey
    where account_no = %(account_no)s and ticket_id <> %(ticket_id)s and sent_at > %(after)s and channel = 'link');

-- name: insert_survey
insert into survey (ticket_id, round, token_sha256, account_no, resolved_by, sent_at, expires_at, channel)
select id, %(round)s, %(token_sha256)s, account_no, resolved_by, %(at)s, %(expires_at)s, %(channel)s
from ticket where id = %(ticket_id)s
on conflict (ticket_id, round) do nothing
returning id;

-- name: survey
select s.id, s.ticket_id, s.round, s.token_sha256, s.expires_at, s.answered_at, s.satisfied, s.score, s.remark,
    t.state, coalesce(c.language, 'zh'),
    s.round = (select max(l.round) from survey l where l.ticket_id = s.ticket_id) and s.sent_at >= t.resolved_at
from survey s join ticket t on t.id = s.ticket_id left join customer c on c.account_no = s.account_no
where s.ticket_id = %(ticket_id)s and s.round = %(round)s;

-- name: answer_survey
update survey set answered_at = %(at)s, satisfied = %(satisfied)s, score = %(score)s, remark = %(remark)s,
    channel = %(channel)s, recorded_by = %(recorded_by)s
where id = %(id)s and answered_at is null
returning id;

-- name: dissatisfied
select (select count(*) from survey e where e.ticket_id = s.ticket_id and not e.satisfied), s.resolved_by
from survey s where s.id = %(id)s;

-- name: ticket_surveys
select s.round, s.channel, s.sent_at, s.expires_at, s.answered_at, s.satisfied, s.score, s.remark, s.recorded_by,
    p.login as resolved_by
from survey s left join staff p on p.id = s.resolved_by
where s.ticket_id = %(ticket_id)s
order by s.round;

-- name: confirm_silent
with due as (
    select t.id, exists (select from survey s where s.ticket_id = t.id and s.sent_at >= t.resolved_at) as asked
    from ticket t
    where t.state = 'resolved' and t.resolved_at <= %(before)s
    order by t.resolved_at, t.id limit %(limit)s for update skip locked
), confirmed as (
    update ticket t set state = 'confirmed', confirmed_at = %(at)s, version = version + 1
    from due where t.id = due.id
    returning t.id, due.asked
)
insert into ticket_entry (ticket_id, at, actor, kind, from_state, to_state, why, detail)
select id, %(at)s, 'system', 'confirm', 'resolved', 'confirmed',
    case when asked then 'the customer did not answer the survey' else 'nobody objected' end
        || ' within ' || %(days)s::int || ' days', jsonb_build_object('asked', asked)
from confirmed;
