-- The tables that apps and other tools know, as they know them: templates, template_versions, artifacts, prompts.
-- A table that exists keeps its columns, rows, owner and row-level security; nothing is added to it.
--
-- Run by `bundlesync migrate`, by `psql -1 -f` or by any other runner, in name order, each file in one transaction of
-- the runner's. May be run again.
-- proves: to_regclass('public.templates') is not null and to_regclass('public.template_versions') is not null and to_regclass('public.artifacts') is not null and to_regclass('public.prompts') is not null and to_regnamespace('bundlesync') is not null

create schema if not exists bundlesync;
comment on schema bundlesync is 'What bundlesync keeps beside the reference tables. Apps have no business here.';

create table if not exists bundlesync.migrations (
  name text primary key,
  checksum text,  -- SHA-256 of the file; null until `bundlesync migrate` saw the row that another runner left
  applied_at timestamptz not null default now()
);
comment on table bundlesync.migrations is 'Each file of migrations/ records itself here.';

-- A table of one of these names that is somebody else's stops us before anything is changed.
do $$
declare
  foreign_table record;
begin
  for foreign_table in
    select w.relation, string_agg(w.attribute, ', ' order by w.position) as lacking
      from (values
        ('templates', 1, 'id', 'uuid'), ('templates', 2, 'name', null), ('templates', 3, 'default_version_id', 'uuid'),
        ('templates', 4, 'enabled', 'boolean'), ('templates', 5, 'created_at', null), ('templates', 6, 'updated_at', null),
        ('template_versions', 1, 'id', 'uuid'), ('template_versions', 2, 'template_id', 'uuid'),
        ('template_versions', 3, 'semver', null), ('template_versions', 4, 'status', null),
        ('template_versions', 5, 'created_by', null), ('template_versions', 6, 'changelog', null),
        ('template_versions', 7, 'created_at', null), ('template_versions', 8, 'updated_at', null),
        ('artifacts', 1, 'id', 'uuid'), ('artifacts', 2, 'template_version_id', 'uuid'), ('artifacts', 3, 'kind', null),
        ('artifacts', 4, 'storage_path', null), ('artifacts', 5, 'sha256', null), ('artifacts', 6, 'size_bytes', null),
        ('artifacts', 7, 'content_type', null), ('artifacts', 8, 'locale', null), ('artifacts', 9, 'created_at', null),
        ('prompts', 1, 'template_version_id', 'uuid'), ('prompts', 2, 'role', null), ('prompts', 3, 'locale', null),
        ('prompts', 4, 'storage_path', null), ('prompts', 5, 'sha256', null)
      ) as w (relation, position, attribute, type)
     where to_regclass('public.' || w.relation) is not null
       and not exists (select from pg_catalog.pg_attribute a
                        where a.attrelid = to_regclass('public.' || w.relation) and a.attname = w.attribute
                          and a.attnum > 0 and not a.attisdropped
                          and (w.type is null or a.atttypid = w.type::regtype))
     group by w.relation order by w.relation
  loop
    raise exception using errcode = '42P07', constraint = 'foreign_table', schema = 'bundlesync',
      message = format('table public.%s is there and is not the one we know: it has no %s (ids are uuid)',
                       foreign_table.relation, foreign_table.lacking),
      hint = 'rename that table, or use another database: nothing was changed';
  end loop;
end
$$;

-- Tables that this file makes get row-level security, so what it made is kept for the last file.
create table if not exists bundlesync.made_tables (relation text primary key);
comment on table bundlesync.made_tables is 'Tables that the migration made, not the app: only these get row-level security everywhere.';
insert into bundlesync.made_tables (relation)
select r from unnest(array['templates', 'template_versions', 'artifacts', 'prompts']) as r
 where to_regclass('public.' || r) is null
on conflict do nothing;

create table if not exists public.templates (
  id uuid primary key default gen_random_uuid(),
  name text not null unique,
  default_version_id uuid,
  enabled boolean default true,
  created_at timestamptz default now(),
  updated_at timestamptz default now()
);

create table if not exists public.template_versions (
  id uuid primary key default gen_random_uuid(),
  template_id uuid not null references public.templates (id),
  semver text not null,
  status text check (status in ('draft', 'stable', 'deprecated')),
  created_by uuid,
  changelog text,
  created_at timestamptz default now(),
  updated_at timestamptz default now(),
  unique (template_id, semver)
);

create table if not exists public.artifacts (
  id uuid primary key default gen_random_uuid(),
  template_version_id uuid not null references public.template_versions (id),
  kind text not null,
  storage_path text not null,
  sha256 text not null,
  size_bytes integer not null,
  content_type text not null,
  locale text check (locale in ('fr', 'en')),
  created_at timestamptz default now()
);

create table if not exists public.prompts (
  template_version_id uuid not null references public.template_versions (id),
  role text not null check (role in ('system', 'manager', 'user')),
  locale text,
  storage_path text not null,
  sha256 text not null
);

-- Foreign keys and indexes that a create table above could not carry; on tables of our own making only.
do $$
begin
  if exists (select from bundlesync.made_tables where relation = 'templates')
     and not exists (select from pg_catalog.pg_constraint
                      where conrelid = 'public.templates'::regclass and conname = 'templates_default_version_id_fkey') then
    alter table public.templates add constraint templates_default_version_id_fkey
      foreign key (default_version_id) references public.template_versions (id);
  end if;
  if exists (select from bundlesync.made_tables where relation = 'template_versions')
     and to_regclass('public.profiles') is not null
     and not exists (select from pg_catalog.pg_constraint
                      where conrelid = 'public.template_versions'::regclass
                        and conname = 'template_versions_created_by_fkey') then
    begin
      alter table public.template_versions add constraint template_versions_created_by_fkey
        foreign key (created_by) references public.profiles (id);
    exception when others then
      raise warning 'template_versions.created_by has no foreign key: %', sqlerrm
        using hint = 'public.profiles needs a column id of type uuid with a primary key, and the right to refer to it';
    end;
  end if;
  if exists (select from bundlesync.made_tables where relation = 'templates') then
    create index if not exists templates_default_version_id_idx on public.templates (default_version_id);
  end if;
  if exists (select from bundlesync.made_tables where relation = 'artifacts') then
    create index if not exists artifacts_template_version_id_idx on public.artifacts (template_version_id);
  end if;
  if exists (select from bundlesync.made_tables where relation = 'prompts') then
    create index if not exists prompts_template_version_id_idx on public.prompts (template_version_id);
  end if;
end
$$;

insert into bundlesync.migrations (name) values ('20261122180000_reference_tables') on conflict (name) do nothing;
