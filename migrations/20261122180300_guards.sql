-- What keeps the promises: rows are judged when they are written, versions freeze, generations rise, moves are written
-- down, agents are told. Triggers, no CHECKs: a CHECK would make the rollback UPDATE of an old odd row fail. All of them
-- AFTER, so that they see what other triggers made of a row. A superuser and session_replication_role go past them.
-- proves: to_regprocedure('bundlesync.prune(uuid)') is not null and exists (select from pg_catalog.pg_trigger where tgrelid = to_regclass('public.templates') and tgname = 'bundlesync_update')

-- The constraint field of the error carries the reason code, for programs.
create or replace function bundlesync.refuse(code text, fact text, hint text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  raise exception using errcode = '23514', schema = 'bundlesync', constraint = code, message = fact || ': ' || code, hint = hint;
end
$$;

create or replace function bundlesync.refuse_problem(code text, what text, value text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if code is not null then
    perform bundlesync.refuse(code, format('%s %s is refused', what, coalesce(quote_literal(left(value, 250)), 'null')),
      'the rules are in the functions of schema bundlesync that end in _problem');
  end if;
end
$$;

-- Makes the version and its files unchangeable. The state row's lock waits for everybody who is writing files now.
create or replace function bundlesync.freeze(frozen uuid) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  problem record;
begin
  insert into bundlesync.version_state (version_id)
  select v.id from public.template_versions v where v.id = frozen on conflict do nothing;
  perform from bundlesync.version_state s where s.version_id = frozen and s.frozen_at is null for update;
  if not found then
    return;
  end if;
  select p.reason, p.path into problem from bundlesync.bundle_problem(frozen) p;
  if found then
    perform bundlesync.refuse(problem.reason, format('version %s cannot be frozen: path %L', frozen, problem.path),
      'correct the rows of artifacts and prompts of this version first');
  end if;
  update bundlesync.version_state s
     set frozen_at = clock_timestamp(),
         template_name = (select t.name from public.template_versions v join public.templates t on t.id = v.template_id
                           where v.id = frozen),
         -- An older snapshot may miss files that were committed since: the agents compute the digest themselves then.
         manifest_sha256 = coalesce(s.manifest_sha256, case when current_setting('transaction_isolation') = 'read committed'
                                                            then bundlesync.manifest_sha256(frozen) end)
   where s.version_id = frozen;
end
$$;

-- Who moves a default, for default_history.
create or replace function bundlesync.actor() returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
declare
  who text := coalesce(nullif(current_setting('bundlesync.actor', true), ''),
                       nullif(nullif(current_setting('role', true), 'none'), ''), session_user);
  subject text;
begin
  begin
    subject := nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub';
  exception when others then
    subject := null;  -- anybody may set this to anything: it must not stop a rollback
  end;
  return left(who, 200) || coalesce(' sub=' || left(subject, 200), '');
end
$$;

-- One change of what agents should show.
create or replace function bundlesync.raise_generation(id uuid, name text, deleted boolean) returns bigint
language sql set search_path = pg_catalog, pg_temp as $$
  insert into bundlesync.template_state as s (template_id, name, generation, changed_xid, changed_at, deleted)
  values (id, name, 1, pg_current_xact_id(), clock_timestamp(), deleted)
  on conflict (template_id) do update
    set name = excluded.name, generation = s.generation + 1, changed_xid = excluded.changed_xid,
        changed_at = excluded.changed_at, deleted = excluded.deleted
  returning s.generation
$$;

create or replace function bundlesync.on_template_guard() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  version record;
begin
  if tg_op = 'INSERT' or new.name is distinct from old.name then
    perform bundlesync.refuse_problem(bundlesync.name_problem(new.name), 'template name', new.name);
  end if;
  if new.default_version_id is null
     or tg_op = 'UPDATE' and new.default_version_id is not distinct from old.default_version_id
                         and new.id is not distinct from old.id then
    return null;
  end if;
  insert into bundlesync.version_state (version_id)
  select v.id from public.template_versions v where v.id = new.default_version_id on conflict do nothing;
  -- Held until the end: the version neither goes back to draft nor goes away under this move. Not frozen yet, it is held
  -- for ourselves alone, which waits for whoever is changing it; only then is it looked at.
  perform from bundlesync.version_state s
    where s.version_id = new.default_version_id and s.frozen_at is null for update;
  perform from bundlesync.version_state s where s.version_id = new.default_version_id for share;
  select v.template_id, v.semver, v.status::text into version
    from public.template_versions v where v.id = new.default_version_id;
  if not found then
    return null;  -- the foreign key's business, where there is one
  end if;
  if version.template_id <> new.id then
    perform bundlesync.refuse('default_of_other_template',
      format('version %s (%s) belongs to another template than %L', new.default_version_id, version.semver, new.name),
      'choose a version of this template: select id, semver from public.template_versions where template_id = '
        || quote_literal(new.id));
  end if;
  if version.status = 'draft' then
    perform bundlesync.refuse('version_draft',
      format('version %s of template %L is a draft', version.semver, new.name),
      'publish it first: a draft can still change');
  end if;
  perform bundlesync.freeze(new.default_version_id);
  return null;
end
$$;

create or replace function bundlesync.on_template_change() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  is_delete constant boolean := tg_op = 'DELETE';
  id constant uuid := case when is_delete then old.id else new.id end;
  name constant text := case when is_delete then old.name else new.name end;
  came_from constant uuid := case when tg_op <> 'INSERT' then old.default_version_id end;
  goes_to constant uuid := case when not is_delete then new.default_version_id end;
  generation bigint;
begin
  if tg_op = 'UPDATE' and new.id <> old.id then
    perform bundlesync.raise_generation(old.id, old.name, true);
    perform pg_notify('bundlesync', left(old.name, 100));
  end if;
  generation := bundlesync.raise_generation(id, name, is_delete);
  if came_from is distinct from goes_to then
    insert into bundlesync.default_history (template_id, template, from_version_id, from_semver, to_version_id, to_semver,
                                            generation, changed_xid, changed_by, reason)
    values (id, name, came_from, (select v.semver from public.template_versions v where v.id = came_from),
            goes_to, (select v.semver from public.template_versions v where v.id = goes_to),
            generation, pg_current_xact_id(), bundlesync.actor(),
            nullif(left(current_setting('bundlesync.reason', true), 2000), ''));
  end if;
  perform pg_notify('bundlesync', left(name, 100));
  return null;
end
$$;

create or replace function bundlesync.is_frozen(version uuid) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  frozen timestamptz;
begin
  insert into bundlesync.version_state (version_id)
  select v.id from public.template_versions v where v.id = is_frozen.version on conflict do nothing;
  -- A freeze waits for us, or we for it: nobody writes into a version that freezes meanwhile.
  select s.frozen_at into frozen from bundlesync.version_state s where s.version_id = is_frozen.version for share;
  return frozen is not null
     and not exists (select from bundlesync.pruning p where p.version_id = is_frozen.version);
end
$$;

create or replace function bundlesync.refuse_frozen(version uuid, what text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if bundlesync.is_frozen(refuse_frozen.version) then
    perform bundlesync.refuse('version_frozen', format('%s of version %s must not change', what, refuse_frozen.version),
      'a frozen version never changes: publish a new one; to drop an old one: select bundlesync.prune('
        || quote_literal(refuse_frozen.version) || ')');
  end if;
end
$$;

create or replace function bundlesync.on_version() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if tg_op = 'DELETE' then
    perform bundlesync.refuse_frozen(old.id, 'the row');
    delete from bundlesync.version_state s where s.version_id = old.id;
    return null;
  end if;
  if tg_op = 'INSERT' or new.semver is distinct from old.semver then
    perform bundlesync.refuse_problem(bundlesync.semver_problem(new.semver), 'version', new.semver);
  end if;
  if tg_op = 'INSERT' then
    insert into bundlesync.version_state (version_id) values (new.id) on conflict do nothing;
    return null;
  end if;
  if new.id <> old.id or new.semver <> old.semver or new.template_id <> old.template_id then
    perform bundlesync.refuse_frozen(old.id, 'the id, semver or template');
  end if;
  if new.id <> old.id then
    update bundlesync.version_state s set version_id = new.id where s.version_id = old.id;
  end if;
  if new.status::text = 'draft' and old.status::text is distinct from 'draft' then
    perform bundlesync.refuse_frozen(old.id, 'the status');
  end if;
  if old.status::text = 'draft' and new.status::text is distinct from 'draft' then
    perform bundlesync.freeze(new.id);
    -- Only where a draft was the default before there was a guard: what agents should show changes now.
    perform bundlesync.raise_generation(t.id, t.name, false), pg_notify('bundlesync', left(t.name, 100))
       from public.templates t where t.default_version_id = new.id;
  end if;
  return null;
end
$$;

create or replace function bundlesync.judge_path(version uuid, storage_path text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  prefix text;
begin
  select t.name || '/v' || v.semver || '/' into prefix
    from public.template_versions v join public.templates t on t.id = v.template_id where v.id = judge_path.version;
  perform bundlesync.refuse_problem(
    bundlesync.path_problem(case when starts_with(judge_path.storage_path, prefix)
                                 then substr(judge_path.storage_path, length(prefix) + 1)
                                 else judge_path.storage_path end),
    'storage path', judge_path.storage_path);
end
$$;

create or replace function bundlesync.on_artifact() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if tg_op <> 'INSERT' then
    perform bundlesync.refuse_frozen(old.template_version_id, 'an artifact');
  end if;
  if tg_op = 'DELETE' then
    return null;
  end if;
  perform bundlesync.refuse_frozen(new.template_version_id, 'an artifact');
  if tg_op = 'INSERT' or new.kind is distinct from old.kind then
    perform bundlesync.refuse_problem(bundlesync.kind_problem(new.kind), 'kind', new.kind);
  end if;
  if tg_op = 'INSERT' or new.sha256 is distinct from old.sha256 then
    perform bundlesync.refuse_problem(bundlesync.sha256_problem(new.sha256), 'sha256', new.sha256);
  end if;
  if tg_op = 'INSERT' or new.size_bytes is distinct from old.size_bytes then
    perform bundlesync.refuse_problem(bundlesync.size_problem(new.size_bytes::bigint), 'size', new.size_bytes::text);
  end if;
  if tg_op = 'INSERT' or new.storage_path is distinct from old.storage_path then
    perform bundlesync.judge_path(new.template_version_id, new.storage_path);
  end if;
  return null;
end
$$;

create or replace function bundlesync.on_prompt() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if tg_op <> 'INSERT' then
    perform bundlesync.refuse_frozen(old.template_version_id, 'a prompt');
  end if;
  if tg_op = 'DELETE' then
    return null;
  end if;
  perform bundlesync.refuse_frozen(new.template_version_id, 'a prompt');
  if tg_op = 'INSERT' or new.locale is distinct from old.locale then
    perform bundlesync.refuse_problem(bundlesync.locale_problem(new.locale), 'locale', new.locale);
  end if;
  if tg_op = 'INSERT' or new.sha256 is distinct from old.sha256 then
    perform bundlesync.refuse_problem(bundlesync.sha256_problem(new.sha256), 'sha256', new.sha256);
  end if;
  if tg_op = 'INSERT' or new.storage_path is distinct from old.storage_path then
    perform bundlesync.judge_path(new.template_version_id, new.storage_path);
  end if;
  return null;
end
$$;

create or replace function bundlesync.on_truncate() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform bundlesync.refuse('truncate_refused', format('table %s.%s must not be truncated', tg_table_schema, tg_table_name),
    'delete rows instead; versions that are frozen go with bundlesync.prune(version)');
  return null;
end
$$;

-- Our own tables: what is frozen stays frozen, and history is only added to.
create or replace function bundlesync.on_version_state() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if old.frozen_at is null or exists (select from bundlesync.pruning p where p.version_id = old.version_id) then
    return null;
  end if;
  if tg_op = 'UPDATE' and new.version_id = old.version_id and new.frozen_at is not distinct from old.frozen_at
     and (old.manifest_sha256 is null or new.manifest_sha256 is not distinct from old.manifest_sha256)
     and new.template_name is not distinct from old.template_name then
    return null;
  end if;
  perform bundlesync.refuse('version_frozen', format('the state of version %s must not change', old.version_id),
    'a frozen version never changes: publish a new one');
  return null;
end
$$;

create or replace function bundlesync.on_history() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform bundlesync.refuse('history_append_only', 'default_history is only ever added to', 'leave it as it is');
  return null;
end
$$;

-- The only way out for a frozen version. Refuses a version that is somebody's default. Returns false when there is no
-- such version: gone is gone.
create or replace function bundlesync.prune(version uuid) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  shown_by text;
begin
  perform from bundlesync.version_state s where s.version_id = prune.version for update;
  perform from public.template_versions v where v.id = prune.version for update;
  if not found then
    return false;
  end if;
  select t.name into shown_by from public.templates t where t.default_version_id = prune.version limit 1;
  if found then
    perform bundlesync.refuse('version_is_default', format('version %s is the default of template %L', prune.version, shown_by),
      'move the default away first');
  end if;
  insert into bundlesync.pruning (version_id) values (prune.version);
  delete from public.prompts p where p.template_version_id = prune.version;
  delete from public.artifacts a where a.template_version_id = prune.version;
  delete from public.template_versions v where v.id = prune.version;
  delete from bundlesync.pruning p where p.version_id = prune.version;
  return true;
end
$$;

insert into bundlesync.migrations (name) values ('20261122180300_guards') on conflict (name) do nothing;
