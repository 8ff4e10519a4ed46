# shellcheck shell=bash disable=SC2034,SC2154
# The story in the user's own Supabase project. What it makes there besides the tables, the bucket and the example is a
# login for the agent, which goes with it.

template=bundlesync-quickstart  # no template of the user's own
patience=30                     # all of it may come from far away

# ---- What only the user knows ----------------------------------------------------------------------------------------

# ask NAME QUESTION [secret|optional]…   takes the variable from the environment, else from the terminal; secrets unseen.
ask() {
  local name=$1 question=$2 answer=''
  shift 2
  if [[ -n ${!name-} ]]; then return; fi
  if [[ -t 0 ]]; then
    printf '  %s: ' "$question"
    if [[ " $* " == *' secret '* ]]; then
      read -rs answer && echo
    else
      read -r answer
    fi
  fi
  if [[ -z $answer && " $* " != *' optional '* ]]; then
    printf 'error: %s is not set, and there is nobody to ask\nhint: %s\n' "$name" "$question" >&2
    exit 2
  fi
  printf -v "$name" '%s' "$answer"
}

# Secrets go into files that only this user can read, and out of the environment: no program that is started has them
# on its command line or inherits them.
keep_secrets() {
  (umask 077 && mkdir secrets && cd secrets &&
    printf '%s\n' "$DATABASE_URL" >database-url &&
    printf '%s\n' "$SUPABASE_SERVICE_ROLE_KEY" >publisher-key &&
    printf '%s\n' "${BUNDLESYNC_AGENT_STORAGE_KEY:-$SUPABASE_SERVICE_ROLE_KEY}" >agent-key)
  own_key=no
  if [[ -n $BUNDLESYNC_AGENT_STORAGE_KEY ]]; then own_key=yes; fi
  unset "${!BUNDLESYNC_@}" "${!PG@}" DATABASE_URL SUPABASE_SERVICE_ROLE_KEY SUPABASE_URL
  export BUNDLESYNC_DATABASE_URL_FILE=$work/secrets/database-url BUNDLESYNC_STORAGE_KEY_FILE=$work/secrets/publisher-key
  if [[ $own_key == yes ]]; then export BUNDLESYNC_AGENT_STORAGE_KEY_FILE=$work/secrets/agent-key; fi
}

# ---- The database ----------------------------------------------------------------------------------------------------

part_of_url() { "$repository/deploy/quickstart.d/database-url" "$@" <secrets/database-url; }

# For psql: the URL without its password, which it gets apart, and as much TLS as bundlesync itself insists on.
split_database_url() {
  psql_url=$(part_of_url shown)
  psql_password=$(part_of_url password)
  psql_tls=$(part_of_url tls)
  psql_ca=${database_ca:-/etc/ssl/certs/ca-certificates.crt}
}
with_password() { PGPASSWORD=$psql_password PGSSLMODE=$psql_tls PGSSLROOTCERT=$psql_ca "$@"; }
sql() { with_password psql -XqAt -v ON_ERROR_STOP=1 "$psql_url"; }  # statements from stdin
move() { with_password move_default "$1"; }

# A login that may call one function and listen, no more.
make_login() {
  login=bundlesync_quickstart_$(od -An -N4 -tx4 /dev/urandom | tr -d ' ')
  local password
  password=$(od -An -N16 -tx4 /dev/urandom | tr -d ' \n')
  if ! sql 2>/dev/null <<<"create role $login login password '$password' in role bundlesync_agent"; then
    login=''
    cp -p secrets/database-url secrets/agent-url
    say "this database user may make no logins: the agent uses it itself, which may do far more than it needs"
    return
  fi
  (umask 077 && part_of_url login "$login" "$password" >secrets/agent-url)
  say "the agent's login: $login, which may call one function and listen"
}

end_database() {
  if [[ -z ${login-} ]]; then return; fi
  login_left=$login
  sql <<<"drop role $login" && login_left=''
}

status_shows() { bundlesync status | grep -q "^$template  *$1 "; }

# ---- The example goes ------------------------------------------------------------------------------------------------

remove_statements() {
  cat <<EOS
update templates set default_version_id = null where name = '$template';
select bundlesync.prune(v.id) from template_versions v join templates t on t.id = v.template_id where t.name = '$template';
delete from templates where name = '$template';
EOS
}

# All objects that its rows name, as storage wants to be told.
object_keys() {
  sql <<<"select json_build_object('prefixes', json_agg(distinct f.storage_path)) from templates t
    join template_versions v on v.template_id = t.id
    join (select template_version_id, storage_path from artifacts
          union all select template_version_id, storage_path from prompts) f on f.template_version_id = v.id
    where t.name = '$template'"
}
# In one request. The key goes to curl by a file.
remove_objects() {
  local key
  key=$(<secrets/publisher-key)
  (umask 077 && {
    printf 'apikey: %s\n' "$key"
    if [[ $key != sb_* ]]; then printf 'Authorization: Bearer %s\n' "$key"; fi
  } >secrets/headers)
  curl -sS --fail -o /dev/null ${storage_ca:+--cacert "$storage_ca"} -X DELETE -H @secrets/headers \
    -H 'Content-Type: application/json' --data "$1" "$project_url/storage/v1/object/template-artifacts"
}

remove_example() {
  local keys
  keys=$(object_keys)
  # Rows first, all or none: no default ever names objects that are gone.
  remove_statements | with_password psql -1XqAt -v ON_ERROR_STOP=1 "$psql_url" >/dev/null
  remove_objects "$keys"
  published=no
}

say_how_to_remove() {
  say "deploy/quickstart --supabase --remove takes the template away; or, by hand, in the database:"
  remove_statements | sed 's/^/    /'
  say "and delete the folder $template of the bucket template-artifacts in the dashboard."
}

# Called when something failed, or somebody stopped it.
say_what_is_left() {
  if [[ ${published-no} == yes ]]; then
    title "The template $template and its objects are left in your project" && say_how_to_remove
  fi >&2
  if [[ -n ${login_left-} ]]; then
    printf 'error: the login %s could not be dropped\nhint: drop role %s\n' "$login_left" "$login_left" >&2
  fi
}

# What is there already may be in use. Nothing of it is changed without being shown.
look_at_bucket() {
  local found result=0 drift
  found=$(bundlesync bucket check --no-probe 2>&1) || result=$?
  if [[ $result != 0 && $result != 3 ]]; then
    printf '%s\n' "$found" >&2
    exit "$result"
  fi
  drift=$(grep -A1 '^drift ' <<<"$found" || true)
  if [[ -z $drift ]] || ! grep -q -e "^ok .*'template-artifacts' is there" -e '^drift .* lets ' <<<"$found"; then return; fi
  say "the bucket or its policy is there already, and bundlesync bucket setup would change this:"
  printf '%s\n' "$drift" | sed 's/^/    /'
  if [[ $yes == yes ]]; then
    printf 'error: what is there already differs, and nobody is asked\n' >&2
    printf 'hint: run bundlesync bucket setup as this project needs it (--readers, limits.file), or leave out --yes\n' >&2
    exit 3
  fi
}

# ---- The story -------------------------------------------------------------------------------------------------------

title "Your Supabase project"
ask SUPABASE_URL "the project's URL, https://<ref>.supabase.co"
ask SUPABASE_SERVICE_ROLE_KEY "the service role's key, for bucket setup and publishing" secret
ask DATABASE_URL "the database's URL, postgres://postgres:<password>@db.<ref>.supabase.co:5432/postgres" secret
ask BUNDLESYNC_AGENT_STORAGE_KEY "the agent's own key (README, With Supabase Storage); Enter for none" secret optional
export -n SUPABASE_SERVICE_ROLE_KEY DATABASE_URL BUNDLESYNC_AGENT_STORAGE_KEY
"$repository/deploy/quickstart.d/database-url" shown <<<"$DATABASE_URL" >/dev/null || {
  printf 'error: DATABASE_URL is not a URL of the form postgres://user:password@host:5432/name\n' >&2
  printf 'hint: in a password @ is written %%40, / %%2F, ? %%3F, # %%23 and %% %%25\n' >&2
  exit 2
}
if [[ $("$repository/deploy/quickstart.d/database-url" tls <<<"$DATABASE_URL") == verify-full ]]; then
  ask BUNDLESYNC_DATABASE_CA "a file with the database's certificate authority (dashboard, Project Settings, Database, SSL \
Configuration); Enter for this machine's" optional
fi
[[ $SUPABASE_URL =~ ^https?:// ]] || give_up "SUPABASE_URL must be a URL, https://…"
project_url=${SUPABASE_URL%/}
find_program
enter_work
database_ca=${BUNDLESYNC_DATABASE_CA-} storage_ca=${BUNDLESYNC_STORAGE_CA-}
keep_secrets
split_database_url
export BUNDLESYNC_STORAGE_URL=supabase+$project_url/storage/v1 BUNDLESYNC_TARGET=$work/prompts
export BUNDLESYNC_TEMPLATES=$template FEATURE_TEMPLATE_VERSION_REMOTE_STORAGE=true BUNDLESYNC_HTTP_LISTEN=127.0.0.1:$port
if [[ -n $database_ca ]]; then export BUNDLESYNC_DATABASE_CA=$database_ca; fi
if [[ -n $storage_ca ]]; then export BUNDLESYNC_STORAGE_CA=$storage_ca; fi

title "This is what it will do"
say "in the database ($(part_of_url name)):"
say "  bundlesync migrate: tables where they are missing, the schema bundlesync, two group roles"
say "  a login for the agent, dropped at the end"
say "in the storage ($project_url):"
say "  bundlesync bucket setup: the private bucket template-artifacts, and a policy by which bundlesync_reader reads it"
say "in both: publish the template $template 1.0.0 and 1.1.0, and move its default"
say "here: an agent, and a directory that goes at the end ($work)"
look_at_bucket
if [[ $yes == no ]]; then
  [[ -t 0 ]] || give_up "there is nobody to ask: --yes goes on without"
  read -rp "  Go on? [y/N] " answer
  if [[ $answer != [yY]* ]]; then
    say "nothing was changed."
    exit 0
  fi
fi

title "The tables"
show bundlesync migrate

title "The bucket, and who may read it"
show bundlesync bucket setup

title "Publish $template 1.0.0, a bundle of prompts, and make it the default"
published=yes
show bundlesync publish "$examples/section7/1.0.0" --template "$template" --version 1.0.0
show bundlesync set-default "$template" 1.0.0

title "Start the agent. This is what an app sees"
make_login
if [[ $own_key == no ]]; then say "no key of its own: it runs with the service role's key, which may do far more"; fi
launch_agent --unset=BUNDLESYNC_AGENT_STORAGE_KEY_FILE BUNDLESYNC_DATABASE_URL_FILE="$work/secrets/agent-url" \
  BUNDLESYNC_STORAGE_KEY_FILE="$work/secrets/agent-key"
wait_until shows 1.0.0
show ls "prompts/$template/"
head_line

title "Deploy: publish 1.1.0, then move the default; the text changes"
show bundlesync publish "$examples/section7/1.1.0" --template "$template" --version 1.1.0
move 1.1.0
head_line
show_proof '.*version=1\.1\.0'

title "Roll back: one UPDATE, nothing is downloaded"
move 1.0.0
head_line
show_proof 'source=cache .*version=1\.0\.0 .*bytes=0'
wait_until status_shows 1.0.0
show bundlesync status

if [[ $keep == yes ]]; then
  (umask 077 && {
    printf '#!/bin/bash\nset -u\n'
    declare -f stop_agent remove_work with_password sql end_database
    declare -p agent work login psql_url psql_password psql_tls psql_ca
    # What is needed to drop the login goes only when the login went.
    printf 'cd "$work" && stop_agent\n'
    printf 'end_database || { echo "error: the login $login stays, and so does $work: try again" >&2; exit 1; }\n'
    printf 'cd / && remove_work\n'
  } >stop)
  chmod 700 stop
  trap - EXIT
  title "Everything is left running. Poke at it"
  hint "ls -lR $work/prompts" "what apps see"
  hint "tail -f $log" "what the agent says"
  hint "http://127.0.0.1:$port" "/ (a page for a browser), /status, /metrics, /healthz, /readyz"
  hint "$work/stop" "ends the agent, drops its login and removes the directory"
  exit 0
fi
if [[ $remove == no && $yes == no && -t 0 ]]; then
  read -rp "  Take the example away again? [y/N] " answer
  if [[ $answer == [yY]* ]]; then remove=yes; fi
fi
if [[ $remove == yes ]]; then
  title "The example goes; tables, bucket and policy stay"
  remove_example
  say "template $template and its objects are gone"
else
  title "That is all. Tables, bucket, policy and the template $template stay; agent, login and directory go now"
  say_how_to_remove
fi
published=no  # what is left is said
