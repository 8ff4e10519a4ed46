#!/bin/bash
# Reads by the recipe until told to stop; tests/readers/driver.hpp has the contract.
set -euo pipefail
source "$1"
target=$2 out=$3
shift 3

declare -A seen=()
reads=0 errors=0 changes=0 last=

# note NAME…   remembers what prompts holds now, in the order of the names.
note() {
  text=
  for name; do text+=${prompts[$name]}$'\x1f'; done
  [[ -n ${seen[$text]+known} ]] || { seen[$text]=${#seen[@]}; dump "$out/seen-${#seen[@]}" "$@"; }
}

dump() {
  local to=$1 name
  shift
  for name; do
    mkdir -p "$to/${name%/*}"
    printf '%s' "${prompts[$name]}" >"$to/$name"
  done
}

read_both_ways() {
  local kept=$prompts_view
  if prompts_read "$target" "$@"; then note "$@"; else errors=$((errors + 1)); fi
  prompts_view=$kept  # that read was none of prompts_refresh's business
  if prompts_refresh "$target" "$@"; then
    note "$@"
    [[ -z $last || $text == "$last" ]] || changes=$((changes + 1))
    last=$text
  else
    errors=$((errors + 1))
  fi
  reads=$((reads + 1))
}

while [[ ! -e $out/stop ]]; do read_both_ways "$@"; done
read_both_ways "$@"
[[ -z $last ]] || dump "$out/last" "$@"
echo "reads=$reads errors=$errors changes=$changes"
