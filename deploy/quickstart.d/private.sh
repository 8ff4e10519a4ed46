# shellcheck shell=bash disable=SC2034,SC2154
# The story with a PostgreSQL and a store of its own.

# ---- PostgreSQL ------------------------------------------------------------------------------------------------------

# PostgreSQL refuses to run as root: then it runs as a user that has nothing else.
as_postgres() {
  if ((EUID != 0)); then
    "$@"
    return
  fi
  local user=nobody
  if getent passwd postgres >/dev/null; then user=postgres; fi
  setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups --inh-caps=-all "$@"
}

start_postgres() {
  as_postgres "$postgres_bin/pg_ctl" -D "$work/postgres/data" -l "$work/postgres/log" -w -s \
    -o "-c listen_addresses='' -c unix_socket_directories='$work/postgres' -c fsync=on" start >/dev/null ||
    give_up "PostgreSQL did not start: $(tail -n 3 "$work/postgres/log")"
}
stop_postgres() { as_postgres "$postgres_bin/pg_ctl" -D "$work/postgres/data" -m fast -w -s stop >/dev/null; }

make_postgres() {
  postgres_bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
  [[ -n $postgres_bin ]] || postgres_bin=$(dirname "$(command -v initdb)")
  export PATH=$PATH:$postgres_bin
  mkdir -m 700 "$work/postgres"
  if ((EUID == 0)); then chown "$(as_postgres id -u)" "$work/postgres"; fi
  as_postgres "$postgres_bin/initdb" -D "$work/postgres/data" -U postgres -A trust -E UTF8 --locale=C >/dev/null
  start_postgres
  psql -Xq "$(database_url postgres postgres)" -c 'create database prompts'
}

database_url() { printf 'postgresql://%s@/%s?host=%s' "$1" "$2" "$work/postgres"; }

end_database() {
  if [[ -e $work/postgres/data/postmaster.pid ]]; then stop_postgres; fi
}

# ---- The story -------------------------------------------------------------------------------------------------------

template=section7
find_program
enter_work
chmod 711 "$work"  # PostgreSQL is another user

BUNDLESYNC_DATABASE_URL=$(database_url postgres prompts)
export BUNDLESYNC_DATABASE_URL BUNDLESYNC_STORAGE_URL=file://$work/store BUNDLESYNC_TARGET=$work/prompts
export BUNDLESYNC_TEMPLATES=section7 FEATURE_TEMPLATE_VERSION_REMOTE_STORAGE=true BUNDLESYNC_HTTP_LISTEN=127.0.0.1:$port
psql_url=$BUNDLESYNC_DATABASE_URL
mkdir store

title "A private PostgreSQL, a directory as object store, and the tables (all under $work)"
make_postgres
show bundlesync migrate

title "Publish section7 1.0.0, a bundle of prompts, and make it the default"
show bundlesync publish "$examples/section7/1.0.0" --template section7 --version 1.0.0 --set-default

title "Start the agent. This is what an app sees"
# Its own login may call one function and listen, no more.
psql -Xq "$BUNDLESYNC_DATABASE_URL" -c 'create role prompts_agent login in role bundlesync_agent'
launch_agent BUNDLESYNC_DATABASE_URL="$(database_url prompts_agent prompts)"
wait_until shows 1.0.0
show ls -l prompts/
show ls prompts/section7/
head_line

title "Deploy: publish 1.1.0, then move the default; the text changes"
show bundlesync publish "$examples/section7/1.1.0" --template section7 --version 1.1.0
move_default 1.1.0
head_line
show_proof 'source=remote .*version=1\.1\.0'

title "Roll back: one UPDATE, nothing is downloaded"
move_default 1.0.0
head_line
show_proof 'source=cache .*version=1\.0\.0 .*bytes=0'

title "Damage: 1.2.0 is published, a byte of it changes in the store, and it becomes the default"
cp -r "$examples/section7/1.1.0" 1.2.0
sed -i '1s/v1\.1\.0/v1.2.0/' 1.2.0/section7_master*.md
bundlesync publish 1.2.0 --template section7 --version 1.2.0 >/dev/null 2>&1 || give_up "1.2.0 could not be published"
object=store/section7/v1.2.0/section7_master.md
chmod u+w "$object"
printf '%%' | dd of="$object" bs=1 seek=40 conv=notrunc status=none
view=$(readlink prompts/..data)
show bundlesync set-default section7 1.2.0
wait_until status_says digest_mismatch
show bundlesync status
if [[ $(readlink prompts/..data) != "$view" ]] || ! shows 1.0.0; then give_up "a damaged version changed what apps see"; fi
say "apps still read:"
head_line

title "PostgreSQL is stopped: everything stays readable"
stop_postgres
wait_until status_names_database "not reachable"
show bundlesync health --ready
say "of the database the agent says: $(bundlesync status | sed -n 's/^database  *//p' | cut -c 1-120)"
head_line

if [[ $keep == no ]]; then
  title "That is all; the temporary directory goes now"
  say "deploy/quickstart --keep leaves everything running for you to poke at."
  exit 0
fi

# ---- Left running ----------------------------------------------------------------------------------------------------

start_postgres
wait_until grep -q 'found source=database' "$log"
bundlesync set-default section7 1.0.0 >/dev/null
{
  for name in ${!BUNDLESYNC_@} FEATURE_TEMPLATE_VERSION_REMOTE_STORAGE; do printf 'export %s=%q\n' "$name" "${!name}"; done
  printf 'export PATH=%q:%q:$PATH\n' "$(dirname "$program")" "$postgres_bin"
} >env
{
  printf '#!/bin/bash\nset -u\n'
  declare -f as_postgres stop_agent stop_postgres remove_work
  printf 'agent=%q work=%q postgres_bin=%q\n' "$agent" "$work" "$postgres_bin"
  printf 'cd / && stop_agent && stop_postgres; remove_work\n'
} >stop
chmod +x stop
trap - EXIT
title "PostgreSQL is back, and everything is left running. Poke at it"
hint "source $work/env" "first, in the shell that you use"
hint "bundlesync status" "what is shown, and why"
hint "bundlesync set-default section7 1.1.0" "a deploy; bundlesync rollback section7 undoes it"
hint "bundlesync history section7" "who moved it, and when"
hint "psql \"\$BUNDLESYNC_DATABASE_URL\"" "the tables"
hint "ls -lR $work/prompts" "what apps see"
hint "tail -f $log" "what the agent says"
hint "http://127.0.0.1:$port" "/ (a page for a browser), /status, /metrics, /healthz, /readyz"
hint "$work/stop" "ends it and removes everything"
