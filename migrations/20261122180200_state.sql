-- What we keep beside the reference tables, keyed by their ids and without foreign keys: a tool that manages those
-- tables must be able to do with them what it always did.
-- proves: to_regclass('bundlesync.template_state') is not null and to_regclass('bundlesync.version_state') is not null and to_regclass('bundlesync.default_history') is not null and to_regprocedure('bundlesync.manifest_sha256(uuid)') is not null

create table if not exists bundlesync.meta (
  singleton boolean primary key default true check (singleton),
  epoch uuid not null default gen_random_uuid(),
  schema_version integer not null,
  since timestamptz not null default now(),
  reason text
);
comment on table bundlesync.meta is 'One row: the life of this database (a restored backup begins a new epoch) and the version of this schema.';
insert into bundlesync.meta (schema_version) values (1) on conflict do nothing;

create table if not exists bundlesync.template_state (
  template_id uuid primary key,
  name text not null,
  generation bigint not null default 0,
  changed_xid xid8,
  changed_at timestamptz,
  deleted boolean not null default false
);
comment on table bundlesync.template_state is 'One row a template, also a deleted one; written by triggers on templates only.';
comment on column bundlesync.template_state.generation is 'rises with every change of what agents should show';
comment on column bundlesync.template_state.changed_xid is 'the transaction of the last change: templates with the same one moved together; null: not since the migration';
create index if not exists template_state_changed_xid_idx on bundlesync.template_state (changed_xid);

create table if not exists bundlesync.version_state (
  version_id uuid primary key,
  template_name text,
  manifest_sha256 text check (manifest_sha256 ~ '^[0-9a-f]{64}$'),
  default_locale text,
  frozen_at timestamptz,
  claim uuid,
  source_commit text,
  signature text
);
comment on table bundlesync.version_state is 'One row a version. Its lock orders writers of files against the freeze.';
comment on column bundlesync.version_state.template_name is 'the template''s name at the freeze: paths are taken after it, so renaming a template moves no file';
comment on column bundlesync.version_state.frozen_at is 'set once: since then the version, its artifacts and its prompts do not change';
comment on column bundlesync.version_state.claim is 'the publisher that may finish this draft';

create table if not exists bundlesync.default_history (
  id bigint generated always as identity primary key,
  template_id uuid not null,
  template text not null,
  from_version_id uuid,
  from_semver text,
  to_version_id uuid,
  to_semver text,
  generation bigint not null,
  changed_xid xid8 not null,
  changed_by text not null,
  reason text,
  changed_at timestamptz not null default clock_timestamp()
);
comment on table bundlesync.default_history is 'Append-only: every move of a default, whoever made it.';
create index if not exists default_history_template_id_idx on bundlesync.default_history (template_id, id desc);

-- Holds a row only inside bundlesync.prune(): the one way past the freeze. Nobody but the owner can write here.
create table if not exists bundlesync.pruning (version_id uuid primary key);

-- These functions are plpgsql, not sql: a session plans them once, not at every question.
--
-- The files of versions as agents get them: artifacts, with the role that a prompts row of the same object gives them, and
-- prompts that no artifact stands beside (without size, kind and content type).
-- A path is the storage path after '<template>/v<semver>/', else the base name, else, where that is not unique within
-- the version or the storage path steps out of its place, the whole storage path (which then breaks a rule, or not).
create or replace function bundlesync.version_files(version_ids uuid[])
returns table (version_id uuid, path text, storage_path text, sha256 text, size bigint, kind text, locale text, role text,
               content_type text)
language plpgsql stable rows 100 set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  return query
  with objects as (
    select a.template_version_id, a.storage_path::text, a.sha256::text, a.size_bytes::bigint as size, a.kind::text,
           a.locale::text, p.role, a.content_type::text
      from public.artifacts a
      left join lateral (
        select q.role::text from public.prompts q
         where q.template_version_id = a.template_version_id and q.storage_path = a.storage_path
           and lower(q.sha256) = lower(a.sha256)
         order by q.locale is not distinct from a.locale desc, q.role limit 1) p on true
     where a.template_version_id = any (version_ids)
    union all
    select p.template_version_id, p.storage_path, p.sha256, null, null, p.locale, p.role, null
      from public.prompts p
     where p.template_version_id = any (version_ids)
       and not exists (select from public.artifacts a
                        where a.template_version_id = p.template_version_id and a.storage_path = p.storage_path
                          and lower(a.sha256) = lower(p.sha256))
  ), named as (
    select o.*, coalesce(s.template_name, t.name) || '/v' || v.semver || '/' as prefix,
           o.storage_path ~ '(^|/)(\.\.?)?(/|$)' as steps_out
      from objects o
      join public.template_versions v on v.id = o.template_version_id
      left join public.templates t on t.id = v.template_id
      left join bundlesync.version_state s on s.version_id = v.id
  ), placed as (
    select n.*, coalesce(starts_with(n.storage_path, n.prefix), false) as in_place,
           case when starts_with(n.storage_path, n.prefix) then substr(n.storage_path, length(n.prefix) + 1)
                when n.steps_out then n.storage_path
                else regexp_replace(n.storage_path, '^.*/', '') end as short_path
      from named n
  )
  select f.template_version_id,
         case when not f.in_place and count(*) over (partition by f.template_version_id, f.short_path) > 1
              then f.storage_path else f.short_path end,
         f.storage_path,
         case when bundlesync.sha256_problem(f.sha256) is null then lower(f.sha256) else f.sha256 end,
         f.size, f.kind, f.locale, f.role, f.content_type
    from placed f;
end
$$;

-- SHA-256, lower-case hex, of the canonical manifest (agent/bundle/bundle.hpp); null for a version that does not exist.
create or replace function bundlesync.manifest_sha256(version_id uuid) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  return (
  select encode(sha256(convert_to('bundlesync-manifest-v1' || E'\n' || coalesce(string_agg(
           concat_ws(E'\t', f.path, f.sha256, coalesce(f.size::text, ''), coalesce(f.kind, ''), coalesce(f.locale, ''),
                     coalesce(f.role, '')),
           E'\n' order by f.path collate "C", f.sha256, f.kind collate "C", f.role collate "C")
           filter (where f.path is not null), ''), 'UTF8')), 'hex')
    from public.template_versions v
    left join lateral bundlesync.version_files(array[v.id]) f on true
   where v.id = manifest_sha256.version_id
   group by v.id);
end
$$;

-- What is wrong with the files of a version taken together: the first of the path problems, path_twice, path_case_twin,
-- path_under_file. No row when nothing is.
create or replace function bundlesync.bundle_problem(version_id uuid) returns table (reason text, path text)
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  return query
  with files as (
    select f.path, lower(f.path collate "C") as folded from bundlesync.version_files(array[bundle_problem.version_id]) f
  ), found as (
    select 1 as rule, bundlesync.path_problem(f.path) as reason, f.path from files f
     where bundlesync.path_problem(f.path) is not null
    union all
    select 2, 'path_twice', f.path from files f group by f.path having count(*) > 1
    union all
    select 3, 'path_case_twin', max(f.path collate "C") from files f group by f.folded having count(distinct f.path) > 1
    union all
    select 4, 'path_under_file', f.path from files f
     where exists (select from files d where starts_with(f.folded, d.folded || '/'))
  )
  select found.reason, found.path from found order by found.rule, found.path collate "C" limit 1;
end
$$;

insert into bundlesync.migrations (name) values ('20261122180200_state') on conflict (name) do nothing;
