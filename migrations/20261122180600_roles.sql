-- Who may do what: bundlesync_agent asks and listens, bundlesync_publisher writes. Both are groups without login: grant
-- them to the logins that you make. Where this user may not make roles it says so and goes on.
-- proves: (select coalesce(bool_and(relrowsecurity), true) from pg_catalog.pg_class join bundlesync.made_tables on oid = to_regclass('public.' || relation)) and not pg_catalog.has_function_privilege('public', 'bundlesync.desired(text[],pg_snapshot,jsonb)', 'execute')

do $$
declare
  role_name text;
begin
  foreach role_name in array array['bundlesync_agent', 'bundlesync_publisher'] loop
    if to_regrole(role_name) is null then
      begin
        execute format('create role %I nologin', role_name);
      exception
        when insufficient_privilege then
          raise warning 'role % is not there and % may not create roles', role_name, current_user
            using hint = format('have an administrator run: create role %s nologin; then run the file of roles again', role_name);
        when duplicate_object or unique_violation then
          null;  -- made by a neighbour meanwhile: roles belong to the whole server
      end;
    end if;
  end loop;
  if to_regrole('bundlesync_agent') is not null
     and exists (select from pg_catalog.pg_roles where rolname = 'bundlesync_agent' and rolconnlimit = -1) then
    begin
      alter role bundlesync_agent connection limit 1000;
      alter role bundlesync_agent set statement_timeout = '15s';
      alter role bundlesync_agent set idle_in_transaction_session_timeout = '60s';
    exception when insufficient_privilege or internal_error then
      raise warning 'role bundlesync_agent keeps its limits: %', sqlerrm
        using hint = 'limits hold for logins only: set connection limit and statement_timeout on the login of your agents';
    end;
  end if;
end
$$;

revoke all on schema bundlesync from public;
revoke all on all tables in schema bundlesync from public;
revoke all on all functions in schema bundlesync from public;

do $$
begin
  if to_regrole('bundlesync_agent') is not null then
    grant usage on schema bundlesync to bundlesync_agent;
    grant execute on function bundlesync.desired(text[], pg_snapshot, jsonb) to bundlesync_agent;
  end if;
  if to_regrole('bundlesync_publisher') is not null then
    grant usage on schema public, bundlesync to bundlesync_publisher;
    grant select, insert, update, delete on public.templates, public.template_versions, public.artifacts, public.prompts
      to bundlesync_publisher;
    grant select on bundlesync.meta, bundlesync.migrations, bundlesync.template_state, bundlesync.default_history
      to bundlesync_publisher;
    grant select, insert, update, delete on bundlesync.version_state to bundlesync_publisher;
    grant execute on all functions in schema bundlesync to bundlesync_publisher;
    -- Inner steps of the triggers, and what belongs to the owner of the database.
    revoke execute on function bundlesync.new_epoch(text), bundlesync.freeze(uuid),
      bundlesync.raise_generation(uuid, text, boolean) from bundlesync_publisher;
  end if;
end
$$;

-- Row-level security: everywhere where Supabase's roles are, else on the tables that we made.
do $$
declare
  on_supabase constant boolean := to_regrole('anon') is not null and to_regrole('authenticated') is not null
                                  and to_regrole('service_role') is not null;
  guarded text;
begin
  foreach guarded in array array['templates', 'template_versions', 'artifacts', 'prompts'] loop
    continue when not on_supabase and not exists (select from bundlesync.made_tables m where m.relation = guarded);
    begin
      execute format('alter table public.%I enable row level security', guarded);
      if to_regrole('bundlesync_publisher') is not null then
        execute format('drop policy if exists bundlesync_publisher on public.%I', guarded);
        execute format('create policy bundlesync_publisher on public.%I to bundlesync_publisher '
                       'using (true) with check (true)', guarded);
      end if;
      if on_supabase then
        execute format('drop policy if exists bundlesync_authenticated on public.%I', guarded);
        execute format('create policy bundlesync_authenticated on public.%I for select to authenticated using (true)', guarded);
        execute format('grant select on public.%I to authenticated', guarded);
        execute format('grant select, insert, update, delete on public.%I to service_role', guarded);
      end if;
    exception when insufficient_privilege then
      raise warning 'row-level security of public.% stays as it is: %', guarded, sqlerrm
        using hint = 'run this file as the owner of the table';
    end;
  end loop;
end
$$;

insert into bundlesync.migrations (name) values ('20261122180600_roles') on conflict (name) do nothing;
