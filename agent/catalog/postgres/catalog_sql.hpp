#pragma once

#include <string_view>

/// Every statement that the commands for people send, parameters always bound. Names are qualified: the session's
/// search_path is empty.
namespace bundlesync::catalog::sql {

// ---- reading -------------------------------------------------------------------------------------------------------

inline constexpr std::string_view templates = R"(
select t.id, t.name, coalesce(t.enabled, true), t.default_version_id, v.semver, coalesce(s.generation, 0),
       to_char(s.changed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
       (select count(*) from public.template_versions x where x.template_id = t.id and x.status is distinct from 'draft'),
       (select count(*) from public.template_versions x where x.template_id = t.id and x.status = 'draft')
  from public.templates t
  left join public.template_versions v on v.id = t.default_version_id
  left join bundlesync.template_state s on s.template_id = t.id
 where $1::text is null or t.name = $1
 order by t.name)";

/// $1 template id or null for all, $2 only drafts. The last column but one: a living session holds the publish lock.
inline constexpr std::string_view versions = R"(
select v.id, t.name, v.semver, coalesce(v.status, 'stable'), t.default_version_id is not distinct from v.id,
       exists (select from bundlesync.default_history h where h.from_version_id = v.id),
       s.frozen_at is not null, s.manifest_sha256, s.source_commit, v.changelog,
       to_char(v.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
       (select count(*) from public.artifacts a where a.template_version_id = v.id)
         + (select count(*) from public.prompts p where p.template_version_id = v.id
             and not exists (select from public.artifacts a where a.template_version_id = v.id
                              and a.storage_path = p.storage_path and a.sha256 = p.sha256)),
       (select coalesce(sum(a.size_bytes::bigint), 0) from public.artifacts a where a.template_version_id = v.id),
       exists (select from pg_catalog.pg_locks l
                where l.locktype = 'advisory' and l.objsubid = 1 and l.granted
                  and l.database = (select oid from pg_catalog.pg_database where datname = current_database())
                  and (l.classid::bigint << 32) | l.objid::bigint
                      = pg_catalog.hashtextextended('bundlesync publish ' || t.name || ' ' || v.semver, 0)),
       s.signature
  from public.template_versions v
  join public.templates t on t.id = v.template_id
  left join bundlesync.version_state s on s.version_id = v.id
 where ($1::uuid is null or v.template_id = $1) and (not $2::boolean or v.status = 'draft')
 order by t.name, v.created_at, v.id)";

inline constexpr std::string_view history = R"(
select h.id, h.from_version_id, h.from_semver, h.to_version_id, h.to_semver, h.generation, h.changed_xid, h.changed_by,
       h.reason, to_char(h.changed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
  from bundlesync.default_history h
 where h.template_id = $1::uuid and h.from_version_id is distinct from h.to_version_id
 order by h.id desc
 limit $2::bigint)";

inline constexpr std::string_view files = R"(
select path, storage_path, sha256, size, kind, locale, role, content_type
  from bundlesync.version_files(array[$1::uuid]) order by path collate "C")";

// ---- the publish lock: a session advisory lock, so it dies with its holder
// -------------------------------------------

inline constexpr std::string_view lock_version =
    "select pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended('bundlesync publish ' || $1::text || ' ' || "
    "$2::text, 0))";
inline constexpr std::string_view unlock_version =
    "select pg_catalog.pg_advisory_unlock(pg_catalog.hashtextextended('bundlesync publish ' || $1::text || ' ' || "
    "$2::text, 0))";
inline constexpr std::string_view lock_holder = R"(
select l.pid, a.usename, nullif(a.application_name, ''), host(a.client_addr)
  from pg_catalog.pg_locks l
  left join pg_catalog.pg_stat_activity a on a.pid = l.pid
 where l.locktype = 'advisory' and l.objsubid = 1 and l.granted
   and l.database = (select oid from pg_catalog.pg_database where datname = current_database())
   and (l.classid::bigint << 32) | l.objid::bigint
       = pg_catalog.hashtextextended('bundlesync publish ' || $1::text || ' ' || $2::text, 0)
 limit 1)";

/// True when this session holds the lock and the draft carries our claim. $1 version id, $2 claim, $3 template, $4
/// semver.
inline constexpr std::string_view check_claim = R"(
select exists (select from bundlesync.version_state where version_id = $1::uuid and claim = $2::uuid)
   and exists (select from pg_catalog.pg_locks l
                where l.locktype = 'advisory' and l.objsubid = 1 and l.granted and l.pid = pg_catalog.pg_backend_pid()
                  and (l.classid::bigint << 32) | l.objid::bigint
                      = pg_catalog.hashtextextended('bundlesync publish ' || $3::text || ' ' || $4::text, 0)))";

// ---- publishing ----------------------------------------------------------------------------------------------------

inline constexpr std::string_view create_template =
    "insert into public.templates (name) values ($1) on conflict (name) do nothing returning id";
inline constexpr std::string_view template_id = "select id from public.templates where name = $1";
inline constexpr std::string_view create_draft = R"(
insert into public.template_versions (template_id, semver, status, changelog) values ($1::uuid, $2, 'draft', $3)
on conflict (template_id, semver) do nothing returning id)";
inline constexpr std::string_view lock_draft = R"(
select id, coalesce(status, 'stable') from public.template_versions
 where template_id = $1::uuid and semver = $2 for update)";
inline constexpr std::string_view describe_draft =
    "update public.template_versions set changelog = $2, updated_at = now() where id = $1::uuid";
inline constexpr std::string_view write_claim = R"(
insert into bundlesync.version_state (version_id, claim, source_commit)
values ($1::uuid, pg_catalog.gen_random_uuid(), $2)
on conflict (version_id) do update set claim = excluded.claim, source_commit = excluded.source_commit
returning claim)";
/// Holds the draft's state until the end of the transaction; no row when the claim is void.
inline constexpr std::string_view hold_claim =
    "select 1 from bundlesync.version_state where version_id = $1::uuid and claim = $2::uuid for update";
inline constexpr std::string_view clear_prompts = "delete from public.prompts where template_version_id = $1::uuid";
inline constexpr std::string_view clear_artifacts = "delete from public.artifacts where template_version_id = $1::uuid";
inline constexpr std::string_view add_artifacts = R"(
insert into public.artifacts (template_version_id, kind, storage_path, sha256, size_bytes, content_type, locale)
select $1::uuid, f.kind, f.storage_path, f.sha256, f.size, f.content_type, f.locale
  from pg_catalog.jsonb_to_recordset($2::jsonb)
    as f (kind text, storage_path text, sha256 text, size integer, content_type text, locale text, role text))";
inline constexpr std::string_view add_prompts = R"(
insert into public.prompts (template_version_id, role, locale, storage_path, sha256)
select $1::uuid, f.role, f.locale, f.storage_path, f.sha256
  from pg_catalog.jsonb_to_recordset($2::jsonb)
    as f (kind text, storage_path text, sha256 text, size integer, content_type text, locale text, role text)
 where f.role is not null)";
inline constexpr std::string_view set_default_locale =
    "update bundlesync.version_state set default_locale = $2 where version_id = $1::uuid";
inline constexpr std::string_view manifest_sha256 = "select bundlesync.manifest_sha256($1::uuid)";
inline constexpr std::string_view turn_stable =
    "update public.template_versions set status = 'stable', updated_at = now() where id = $1::uuid and status = "
    "'draft'";
inline constexpr std::string_view freeze = R"(
update bundlesync.version_state
   set manifest_sha256 = $3, frozen_at = coalesce(frozen_at, now()), claim = null, signature = $4
 where version_id = $1::uuid and claim = $2::uuid)";
inline constexpr std::string_view sign_version = R"(
insert into bundlesync.version_state as s (version_id, signature)
select v.id, $2 from public.template_versions v where v.id = $1::uuid and v.status is distinct from 'draft'
on conflict (version_id) do update set signature = excluded.signature
returning 1)";
inline constexpr std::string_view remove_state = "delete from bundlesync.version_state where version_id = $1::uuid";
inline constexpr std::string_view remove_version =
    "delete from public.template_versions where id = $1::uuid and status = 'draft'";
inline constexpr std::string_view version_status =
    "select coalesce(status, 'stable'), semver from public.template_versions where id = $1::uuid for update";

// ---- moving the default --------------------------------------------------------------------------------------------

inline constexpr std::string_view say_who_and_why =
    "select pg_catalog.set_config('bundlesync.actor', coalesce($1, ''), true), "
    "pg_catalog.set_config('bundlesync.reason', coalesce($2, ''), true)";
/// The row is held until the end of the transaction, so nobody moves it between this look and the move.
inline constexpr std::string_view hold_template = R"(
select t.default_version_id, (select v.semver from public.template_versions v where v.id = t.default_version_id),
       coalesce((select s.generation from bundlesync.template_state s where s.template_id = t.id), 0)
  from public.templates t where t.id = $1::uuid for update)";
inline constexpr std::string_view move_default =
    "update public.templates set default_version_id = $2::uuid, updated_at = now() where id = $1::uuid";
inline constexpr std::string_view moved = R"(
select s.generation, s.changed_xid, (select v.semver from public.template_versions v where v.id = $2::uuid),
       (select max(h.id) from bundlesync.default_history h where h.template_id = $1::uuid and h.generation = s.generation)
  from bundlesync.template_state s where s.template_id = $1::uuid)";

}  // namespace bundlesync::catalog::sql
