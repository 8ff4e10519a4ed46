-- Signing a published version changes what agents may show: those that refused it are told to look again.
-- proves: exists (select from pg_catalog.pg_trigger where tgrelid = to_regclass('bundlesync.version_state') and tgname = 'bundlesync_signature')

comment on column bundlesync.version_state.signature is 'one line, by bundlesync publish --sign: Ed25519 over template, version and manifest_sha256; agents with trust.require show nothing without it';

create or replace function bundlesync.on_signature() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform bundlesync.raise_generation(t.id, t.name, false), pg_notify('bundlesync', left(t.name, 100))
     from public.templates t where t.default_version_id = new.version_id;
  return null;
end
$$;
revoke all on function bundlesync.on_signature() from public;
do $$
begin
  if to_regrole('bundlesync_publisher') is not null then
    grant execute on function bundlesync.on_signature() to bundlesync_publisher;  -- as the file of roles does for all
  end if;
end
$$;

drop trigger if exists bundlesync_signature on bundlesync.version_state;
create trigger bundlesync_signature after update on bundlesync.version_state
  for each row when (old.signature is distinct from new.signature and new.frozen_at is not null)
  execute function bundlesync.on_signature();

insert into bundlesync.migrations (name) values ('20261123090000_signatures') on conflict (name) do nothing;
