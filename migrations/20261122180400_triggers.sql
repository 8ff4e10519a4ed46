-- Puts the guards on the tables and takes in what is there already: one transaction, so no row slips in between.
-- proves: exists (select from pg_catalog.pg_trigger where tgrelid = to_regclass('public.prompts') and tgname = 'bundlesync_guard')

do $$
declare
  relation text;
begin
  foreach relation in array array['templates', 'template_versions', 'artifacts', 'prompts'] loop
    execute format('drop trigger if exists bundlesync_truncate on public.%I', relation);
    execute format('create trigger bundlesync_truncate before truncate on public.%I for each statement '
                   'execute function bundlesync.on_truncate()', relation);
  end loop;
end
$$;

drop trigger if exists bundlesync_guard on public.templates;
create trigger bundlesync_guard after insert or update on public.templates
  for each row execute function bundlesync.on_template_guard();
drop trigger if exists bundlesync_insert on public.templates;
create trigger bundlesync_insert after insert on public.templates
  for each row execute function bundlesync.on_template_change();
-- Not `update of`: that misses columns which another trigger sets.
drop trigger if exists bundlesync_update on public.templates;
create trigger bundlesync_update after update on public.templates
  for each row when (old.id is distinct from new.id or old.name is distinct from new.name
                     or old.default_version_id is distinct from new.default_version_id
                     or old.enabled is distinct from new.enabled)
  execute function bundlesync.on_template_change();
drop trigger if exists bundlesync_delete on public.templates;
create trigger bundlesync_delete after delete on public.templates
  for each row execute function bundlesync.on_template_change();
drop trigger if exists bundlesync_guard on public.template_versions;
create trigger bundlesync_guard after insert or update or delete on public.template_versions
  for each row execute function bundlesync.on_version();
drop trigger if exists bundlesync_guard on public.artifacts;
create trigger bundlesync_guard after insert or update or delete on public.artifacts
  for each row execute function bundlesync.on_artifact();
drop trigger if exists bundlesync_guard on public.prompts;
create trigger bundlesync_guard after insert or update or delete on public.prompts
  for each row execute function bundlesync.on_prompt();
drop trigger if exists bundlesync_guard on bundlesync.version_state;
create trigger bundlesync_guard after update or delete on bundlesync.version_state
  for each row execute function bundlesync.on_version_state();
drop trigger if exists bundlesync_guard on bundlesync.default_history;
create trigger bundlesync_guard after update or delete on bundlesync.default_history
  for each row execute function bundlesync.on_history();
drop trigger if exists bundlesync_truncate on bundlesync.version_state;
create trigger bundlesync_truncate before truncate on bundlesync.version_state
  for each statement execute function bundlesync.on_truncate();
drop trigger if exists bundlesync_truncate on bundlesync.default_history;
create trigger bundlesync_truncate before truncate on bundlesync.default_history
  for each statement execute function bundlesync.on_truncate();

-- Rows that are here already: no change is on record for them, each is a group of its own.
insert into bundlesync.template_state (template_id, name, generation)
select t.id, t.name, 1 from public.templates t on conflict do nothing;
insert into bundlesync.version_state (version_id, template_name, frozen_at)
select v.id, t.name, case when v.status::text is distinct from 'draft' then now() end
  from public.template_versions v left join public.templates t on t.id = v.template_id on conflict do nothing;
-- Versions of other tools that were here before keep manifest_sha256 null where a rule is broken: nothing to vouch for.
update bundlesync.version_state s set manifest_sha256 = bundlesync.manifest_sha256(s.version_id)
 where s.frozen_at is not null and s.manifest_sha256 is null
   and not exists (select from bundlesync.bundle_problem(s.version_id));

-- What breaks a rule, for people; old rows may, and keep working.
create or replace function bundlesync.problems()
returns table (relation text, id text, problem text, value text)
language sql stable set search_path = pg_catalog, pg_temp as $$
  select * from (
    select 'templates', t.id::text, bundlesync.name_problem(t.name), t.name::text from public.templates t
    union all
    select 'templates', t.id::text,
           case when v.id is null then 'default_unknown' when v.template_id <> t.id then 'default_of_other_template'
                when v.status::text = 'draft' then 'version_draft' end, t.default_version_id::text
      from public.templates t left join public.template_versions v on v.id = t.default_version_id
     where t.default_version_id is not null
    union all
    select 'template_versions', v.id::text, bundlesync.semver_problem(v.semver), v.semver::text from public.template_versions v
    union all
    select 'template_versions', v.id::text, b.reason, b.path
      from public.template_versions v cross join lateral bundlesync.bundle_problem(v.id) b
    union all
    select 'artifacts', a.id::text,
           coalesce(bundlesync.kind_problem(a.kind), bundlesync.sha256_problem(a.sha256), bundlesync.size_problem(a.size_bytes)),
           concat_ws(' ', a.storage_path, a.kind, a.sha256, a.size_bytes) from public.artifacts a
    union all
    select 'prompts', p.template_version_id::text,
           coalesce(bundlesync.locale_problem(p.locale), bundlesync.sha256_problem(p.sha256)),
           concat_ws(' ', p.storage_path, p.locale, p.sha256) from public.prompts p
  ) as found (relation, id, problem, value)
  where found.problem is not null
$$;

do $$
declare
  found_total bigint;
  found record;
begin
  select count(*) into found_total from bundlesync.problems();
  for found in select * from bundlesync.problems() limit 20 loop
    raise warning 'public.% % breaks a rule: % (%)', found.relation, found.id, found.problem, left(found.value, 200)
      using hint = 'the row stays as it is; agents refuse what they cannot show';
  end loop;
  if found_total > 20 then
    raise warning '% more rows break a rule', found_total - 20 using hint = 'select * from bundlesync.problems()';
  end if;
end
$$;

insert into bundlesync.migrations (name) values ('20261122180400_triggers') on conflict (name) do nothing;
