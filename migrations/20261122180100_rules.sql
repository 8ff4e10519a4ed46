-- What a name, a path, a version, a digest and a size may be. The same verdicts and codes as agent/bundle/path_rules.hpp:
-- neither may change alone. Each returns a reason code, or null when there is nothing wrong.
-- proves: to_regprocedure('bundlesync.path_problem(text)') is not null and to_regprocedure('bundlesync.size_problem(bigint)') is not null

create or replace function bundlesync.path_problem(path text) returns text
language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
  select case
    when coalesce(path, '') = '' then 'path_empty'
    when octet_length(convert_to(path, 'UTF8')) > 200 then 'path_too_long'
    when starts_with(path, '/') then 'path_absolute'
    when exists (select from regexp_split_to_table(path, '/') as part where part = '') then 'path_empty_segment'
    when exists (select from regexp_split_to_table(path, '/') as part where part in ('.', '..')) then 'path_dotdot'
    when exists (select from regexp_split_to_table(path, '/') as part where starts_with(part, '.')) then 'path_hidden'
    when exists (select from regexp_split_to_table(path, '/') as part where octet_length(convert_to(part, 'UTF8')) > 100)
      then 'path_segment_too_long'
    when path collate "C" ~ '[^A-Za-z0-9._+@=,() /-]' then 'path_character'
    when exists (select from regexp_split_to_table(path, '/') as part
                 where starts_with(part, ' ') or right(part, 1) in (' ', '.')) then 'path_edge'
    when cardinality(string_to_array(path, '/')) > 8 then 'path_too_deep'
  end
$$;

create or replace function bundlesync.name_problem(name text) returns text
language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
  select case
    when coalesce(name, '') = '' then 'name_empty'
    when octet_length(convert_to(name, 'UTF8')) > 100 then 'name_too_long'
    when starts_with(name, '.') then 'name_hidden'
    when name collate "C" ~ '[^a-z0-9._-]' then 'name_character'
    when name collate "C" !~ '^[a-z0-9]' then 'name_start'
  end
$$;

-- semver.org 2.0.0, in at most 64 bytes.
create or replace function bundlesync.semver_problem(semver text) returns text
language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
  select case
    when coalesce(octet_length(convert_to(semver, 'UTF8')), 65) > 64
      or semver collate "C" !~ ('^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)'
        || '(-(0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)(\.(0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*))*)?'
        || '(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$') then 'semver_invalid'
  end
$$;

-- Upper case is let through: everybody reads digests in lower case.
create or replace function bundlesync.sha256_problem(sha256 text) returns text
language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
  select case when coalesce(sha256, '') collate "C" !~ '^[0-9A-Fa-f]{64}$' then 'sha256_invalid' end
$$;

create or replace function bundlesync.size_problem(size bigint) returns text
language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
  select case when coalesce(size, -1) < 0 then 'size_invalid' end
$$;

create or replace function bundlesync.kind_problem(kind text) returns text
language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
  select case when coalesce(kind, '') collate "C" !~ '^[a-z0-9_]{1,64}$' then 'kind_invalid' end
$$;

create or replace function bundlesync.locale_problem(locale text) returns text
language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
  select case when locale not in ('fr', 'en') then 'locale_invalid' end
$$;

insert into bundlesync.migrations (name) values ('20261122180100_rules') on conflict (name) do nothing;
