-- What agents ask, and what begins a new epoch.
-- proves: to_regprocedure('bundlesync.desired(text[],pg_snapshot,jsonb)') is not null and to_regprocedure('bundlesync.new_epoch(text)') is not null

create or replace function bundlesync.rfc3339(moment timestamptz) returns text
language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
  select to_char(moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;

-- Guards that somebody dropped or disabled (a tool that made a table anew, say).
create or replace function bundlesync.missing_guards() returns text[]
language sql stable set search_path = pg_catalog, pg_temp as $$
  select array(
    select format('trigger_missing public.%s %s', w.relation, w.trigger)
      from (values ('templates', 'bundlesync_guard'), ('templates', 'bundlesync_insert'), ('templates', 'bundlesync_update'),
                   ('templates', 'bundlesync_delete'), ('templates', 'bundlesync_truncate'),
                   ('template_versions', 'bundlesync_guard'), ('template_versions', 'bundlesync_truncate'),
                   ('artifacts', 'bundlesync_guard'), ('artifacts', 'bundlesync_truncate'),
                   ('prompts', 'bundlesync_guard'), ('prompts', 'bundlesync_truncate')) as w (relation, trigger)
     where not exists (select from pg_trigger g
                        where g.tgrelid = to_regclass('public.' || w.relation) and g.tgname = w.trigger
                          and g.tgenabled in ('O', 'A'))
     order by w.relation, w.trigger)
$$;

-- The templates to answer with: those wanted, of these with `since` those that changed after it (a transaction that was
-- open then and has committed meanwhile counts as after). `ids` are returned whatever they are called now.
create or replace function bundlesync.wanted_ids(names text[], since pg_snapshot, ids uuid[]) returns uuid[]
language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
  if since is null then
    return array(
      select coalesce(t.id, s.template_id)
        from public.templates t full join bundlesync.template_state s on s.template_id = t.id
       where names is null or coalesce(t.name, s.name) = any (names) or coalesce(t.id, s.template_id) = any (ids));
  end if;
  return array(
    select s.template_id
      from bundlesync.template_state s left join public.templates t on t.id = s.template_id
     where s.changed_xid >= pg_snapshot_xmin(since) and not pg_visible_in_snapshot(s.changed_xid, since)
       and (names is null or coalesce(t.name, s.name) = any (names) or s.template_id = any (ids)));
end
$$;

create or replace function bundlesync.version_documents(version_ids uuid[])
returns table (version_id uuid, template_id uuid, document jsonb)
language plpgsql stable rows 100 set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  return query
  with files as (
    select f.version_id,
           jsonb_agg(jsonb_build_object('path', f.path, 'storage_path', f.storage_path, 'sha256', f.sha256, 'size', f.size,
                                        'kind', f.kind, 'locale', f.locale, 'role', f.role, 'content_type', f.content_type)
                     order by f.path collate "C", f.sha256) as list
      from bundlesync.version_files(version_ids) f group by f.version_id
  )
  select v.id, v.template_id,
         jsonb_build_object('id', v.id, 'semver', v.semver, 'status', v.status, 'manifest_sha256', s.manifest_sha256,
                            'signature', s.signature, 'files', coalesce(f.list, '[]'),
                            'problem', case when v.status::text = 'draft' then 'version_draft' end)
           || case when s.default_locale is null then '{}' else jsonb_build_object('default_locale', s.default_locale) end
    from public.template_versions v
    left join bundlesync.version_state s on s.version_id = v.id
    left join files f on f.version_id = v.id
   where v.id = any (version_ids);
end
$$;

create or replace function bundlesync.template_documents(template_ids uuid[])
returns table (template text, document jsonb)
language plpgsql stable rows 100 set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  return query
  with head as materialized (
    select w.id, coalesce(t.name, s.name) as name, t.id is null as deleted, t.enabled, t.default_version_id,
           coalesce(s.generation, 0) as generation, s.changed_xid, s.changed_at,
           (select max(h.id) from bundlesync.default_history h where h.template_id = w.id) as history,
           (select h.from_version_id
              from bundlesync.default_history h
              join public.template_versions p on p.id = h.from_version_id and p.template_id = w.id
             where h.template_id = w.id and h.from_version_id is distinct from t.default_version_id and t.id is not null
             order by h.id desc limit 1) as previous_id
      from unnest(template_ids) as w (id)
      left join public.templates t on t.id = w.id
      left join bundlesync.template_state s on s.template_id = w.id
  ), versions as materialized (
    select d.* from bundlesync.version_documents(array(
      select h.default_version_id from head h where h.default_version_id is not null
      union select h.previous_id from head h where h.previous_id is not null)) d
  )
  select h.name,
         jsonb_build_object(
           'id', h.id, 'name', h.name, 'enabled', coalesce(h.enabled, true) and not h.deleted, 'deleted', h.deleted,
           'generation', h.generation, 'changed_xid', h.changed_xid::text, 'changed_at', bundlesync.rfc3339(h.changed_at),
           'history', h.history,
           'version', case when current.template_id = h.id then current.document end,
           'previous', previous.document,
           'problem', case when current.template_id <> h.id then 'default_of_other_template' end)
    from head h
    left join versions current on current.version_id = h.default_version_id
    left join versions previous on previous.version_id = h.previous_id
   order by h.name collate "C", h.deleted desc, h.id;
end
$$;

-- The one question of agents. First row: template null, and what belongs to the answer as a whole; hand its snapshot back
-- as `since` next time. Then one row a template. `names` are literal, null asks for all; `agent` may carry
-- {"ids": [uuid, …]}: templates to return whatever they are called now. STABLE, so that all of it is read at the one
-- snapshot that the first row names. row_security off: an answer that policies would cut short is an error instead.
create or replace function bundlesync.desired(names text[] default null, since pg_snapshot default null,
                                              agent jsonb default '{}')
returns table (template text, document jsonb)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp set row_security = off as $$
declare
  ids constant uuid[] := array(select jsonb_array_elements_text(agent -> 'ids')::uuid);
  wanted constant uuid[] := bundlesync.wanted_ids(names, since, ids);
begin
  return query
    select null::text, jsonb_build_object(
             'epoch', m.epoch, 'snapshot', pg_current_snapshot()::text,
             'server_started', bundlesync.rfc3339(pg_postmaster_start_time()),
             'schema_version', m.schema_version, 'problems', to_jsonb(bundlesync.missing_guards()))
      from bundlesync.meta m;
  if cardinality(wanted) > 0 then
    return query select d.template, d.document from bundlesync.template_documents(wanted) d;
  end if;
end
$$;

-- After a restore: lets agents go on, although generations are lower than those they accepted. Every agent then reads
-- everything anew, so what moved together before the restore is forgotten.
create or replace function bundlesync.new_epoch(reason text) returns uuid
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  begun uuid;
begin
  if coalesce(btrim(reason), '') = '' then
    perform bundlesync.refuse('reason_empty', 'a new epoch needs a reason', 'say why: select bundlesync.new_epoch(''restored from …'')');
  end if;
  update bundlesync.meta m set epoch = gen_random_uuid(), since = clock_timestamp(), reason = new_epoch.reason
  returning m.epoch into begun;
  update bundlesync.template_state s set changed_xid = null where s.changed_xid is not null;
  perform pg_notify('bundlesync', '');
  return begun;
end
$$;

insert into bundlesync.migrations (name) values ('20261122180500_desired') on conflict (name) do nothing;
