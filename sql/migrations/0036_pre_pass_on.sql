-- What one way refuses goes by the person's next one; what may have arrived doesn't.

alter table outbox
    add column passed_to bigint,
    add column doubtful boolean not null default false;
comment on column outbox.passed_to is 'the message that went by another way in place of this one, which is dead';
comment on column outbox.doubtful is 'an attempt had no answer: it may have arrived';
-- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
alter table outbox add constraint outbox_passed_fkey foreign key (passed_to) references outbox;
-- A wider list than before: every row there is fits it.
-- squawk-ignore ban-drop-constraint
alter table delivery drop constraint delivery_kind_check;
alter table delivery add constraint delivery_kind_check check (kind in
    ('attempt', 'bounced', 'delayed', 'retried', 'dismissed', 'passed_on')) not valid;
