# shellcheck shell=bash disable=SC2034,SC2154
# What both stories of deploy/quickstart need. Each of them sets template, psql_url and end_database.

if [[ -t 1 && -z ${NO_COLOR-} ]]; then bold=$'\e[1m' plain=$'\e[0m'; else bold='' plain=''; fi

title() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
say() { printf '  %s\n' "$*"; }
give_up() {
  printf 'error: %s\n' "$*" >&2
  if [[ -s ${log-} ]]; then printf 'the last lines of the agent:\n' && tail -n 5 "$log"; fi >&2
  exit 1
}
# Prints a command as one would type it, then what it prints, no line longer than a screen is wide.
show() {
  printf '  $ %s\n' "${*//$repository\//}"
  "$@" 2>&1 | sed 's/^/    /; s/^\(.\{140\}\).\{8,\}/\1…/'
}

# ---- The program -----------------------------------------------------------------------------------------------------

# A program in one of our build directories that is newer than every source.
built_program() {
  local program
  for program in "$repository"/build/{release,quickstart}/bundlesync; do
    [[ -x $program ]] || continue
    [[ -z $(find "$repository"/{agent,migrations,CMakeLists.txt} -newer "$program" -type f -print -quit) ]] || continue
    printf '%s\n' "$program"
    return
  done
}

build_program() {
  local build=$repository/build/quickstart
  if [[ ! -w ${HOME:-/nonexistent} ]]; then export CCACHE_DIR=${CCACHE_DIR:-$repository/build/ccache}; fi
  title "Building bundlesync (some minutes, the first time only)"
  mkdir -p "$build"
  cmake -S "$repository" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release >"$build/quickstart.log" 2>&1 ||
    { tail -n 20 "$build/quickstart.log" >&2; exit 1; }
  if [[ -t 1 ]]; then
    NINJA_STATUS='  [%f of %t] ' cmake --build "$build" --target bundlesync
  else
    cmake --build "$build" --target bundlesync >"$build/quickstart.log" 2>&1 ||
      { tail -n 40 "$build/quickstart.log" >&2; exit 1; }
  fi
}

# QUICKSTART_PROGRAM is one that is built already: then nothing is installed.
find_program() {
  program=${QUICKSTART_PROGRAM-}
  if [[ -n $program ]]; then return; fi
  "$repository/deploy/install-packages" build run
  program=$(built_program)
  if [[ -z $program ]]; then
    build_program
    program=$repository/build/quickstart/bundlesync
  fi
}
bundlesync() { "$program" "$@"; }

# A directory of our own to work in, which goes at the end whatever that is.
enter_work() {
  work=$(mktemp -d "${TMPDIR:-/tmp}/bundlesync.XXXXXX")
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  cd "$work"
  log=$work/agent.log
  port=$(perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1")->sockport')
  mkdir prompts
}

# ---- The agent -------------------------------------------------------------------------------------------------------

# Starts the agent with these assignments over our environment.
launch_agent() {
  env "$@" BUNDLESYNC_LOG_FORMAT=text setsid "$program" agent </dev/null 2>"$log" >&2 &
  agent=$!
  disown "$agent"  # the shell has no word to say about its end
}

stop_agent() {
  local tries
  kill "$agent" 2>/dev/null || return 0
  for ((tries = 0; tries < 50; tries++)); do
    kill -0 "$agent" 2>/dev/null || return 0
    sleep 0.1
  done
  kill -9 "$agent"
}

# Directories of versions are read-only, to their owner too.
remove_work() { chmod -R u+w "$work" 2>/dev/null || true; rm -rf "$work"; }

clean_up() {
  local result=$?
  trap - EXIT INT TERM
  if [[ -n ${agent-} ]]; then stop_agent; fi
  end_database || true
  if declare -F say_what_is_left >/dev/null; then say_what_is_left; fi
  remove_work
  exit "$result"
}

# Until the command succeeds, ten seconds at most, or as many as patience says.
wait_until() {
  local tries
  for ((tries = 0; tries < 10 * ${patience:-10}; tries++)); do
    if "$@"; then return; fi
    sleep 0.1
  done
  give_up "this did not come true within ${patience:-10} s: $*"
}
shows() { head -n 1 "$BUNDLESYNC_TARGET/$template/section7_master.md" 2>/dev/null | grep -qF "v$1"; }
status_says() { bundlesync status --json 2>/dev/null | grep -qE "$1"; }
status_names_database() { bundlesync status 2>/dev/null | grep -qE "^database +$1"; }

hint() { printf '  %-44s %s\n' "$1" "$2"; }

# Makes a version the default, as any tool may, and says when apps saw it.
move_default() {
  local statement="update templates set default_version_id =
    (select id from template_versions v where v.template_id = templates.id and semver = '$1') where name = '$template'"
  printf '  sql> %s\n' "$statement"
  took=$("$repository/deploy/commit-to-visible" "$BUNDLESYNC_TARGET" "$psql_url" "$statement") ||
    give_up "the move to $1 was not seen"
  say "visible ${bold}$took ms${plain} after COMMIT was sent"
  shows "$1" || give_up "$template $1 is not what the directory shows"
}
head_line() { show head -n 1 "prompts/$template/section7_master.md"; }
# The agent's word on one file of the version that it has just shown.
proof_is() { grep -F '[PROOF]' "$log" | tail -n 1 | grep -qE "$1"; }
show_proof() {
  wait_until proof_is "$1"
  say "the agent's log:"
  grep -F '[PROOF]' "$log" | tail -n 1 | sed 's/.*\[PROOF\]/    [PROOF]/; s/\(sha256=[0-9a-f]\{8\}\)[0-9a-f]*/\1…/'
}
