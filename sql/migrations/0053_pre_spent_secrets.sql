-- Codes and links stand in a message only while it waits to be sent: what they prove is kept as a digest elsewhere.

create function outbox_forget_secret() returns trigger language plpgsql as $$
begin
    new.message := new.message - array['code', 'token'];
    return new;
end $$;
create trigger outbox_forget_secret before update of state on outbox for each row
    when (new.kind in ('contact_code', 'password') and new.state <> 'pending')
    execute function outbox_forget_secret();

update outbox set message = message - array['code', 'token']
where kind in ('contact_code', 'password') and state <> 'pending';
