#pragma once

#include <string_view>

/// Every statement about who may read a bucket. In the script {role}, {bucket}, {policy} stand for quoted names.
namespace bundlesync::catalog::sql {

/// $1: the role. No row where there is no table storage.objects.
inline constexpr std::string_view find_access = R"(
select c.relrowsecurity,
       r.oid is not null,
       coalesce(r.rolsuper or r.rolbypassrls or pg_has_role(r.oid, c.relowner, 'member'), false),
       case when not exists (select from pg_catalog.pg_roles where rolname = 'authenticator') then null
            when r.oid is null then false
            else pg_has_role('authenticator', r.oid, 'member') end,
       case when r.oid is null then false else has_schema_privilege(r.oid, n.oid, 'usage') end,
       case when r.oid is null then false else has_table_privilege(r.oid, c.oid, 'select') end
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join pg_catalog.pg_roles r on r.rolname = $1
where n.nspname = 'storage' and c.relname = 'objects' and c.relkind in ('r', 'p'))";

/// A row a policy and role.
inline constexpr std::string_view find_policies = R"(
select p.polname,
       case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete'
                     else 'all' end,
       p.polpermissive,
       coalesce(r.rolname, 'public'),
       concat_ws(' ', pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
from pg_catalog.pg_policy p
join pg_catalog.pg_class c on c.oid = p.polrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
cross join unnest(p.polroles) as member(oid)
left join pg_catalog.pg_roles r on r.oid = member.oid
where n.nspname = 'storage' and c.relname = 'objects'
order by 1, 4)";

/// Waits for no lock that others queue behind.
inline constexpr std::string_view be_brief = R"(set local lock_timeout = '1s';
)";

inline constexpr std::string_view make_role = R"(do $bundlesync$
begin
  if not exists (select from pg_catalog.pg_roles where rolname = {role_text}) then
    create role {role} nologin;
  end if;
  if exists (select from pg_catalog.pg_roles r, pg_catalog.pg_class c
             where r.rolname = {role_text} and c.oid = 'storage.objects'::regclass
               and (r.rolsuper or r.rolbypassrls or pg_has_role(r.oid, c.relowner, 'member'))) then
    raise exception 'role % passes every policy', {role_text} using errcode = 'insufficient_privilege';
  end if;
  if exists (select from pg_catalog.pg_roles where rolname = 'authenticator')
     and not pg_has_role('authenticator', {role_text}, 'member') then
    grant {role} to authenticator;
  end if;
end
$bundlesync$;
)";

inline constexpr std::string_view let_select = R"(grant usage on schema storage to {role};
grant select on storage.objects to {role};
)";

inline constexpr std::string_view make_policy = R"(drop policy if exists {policy} on storage.objects;
create policy {policy} on storage.objects
  for select to {role} using (bucket_id = {bucket});
)";

}  // namespace bundlesync::catalog::sql
