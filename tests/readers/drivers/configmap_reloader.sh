#!/bin/bash
# What reloaders of ConfigMaps do: wait until `..data` is made or moved into the directory, then read.
# configmap_reloader.sh TARGET FILE
set -euo pipefail
target=$1 name=$2
read_again() { head -n 1 "$target/$name"; }
exec 3< <(exec setpriv --pdeathsig KILL inotifywait --monitor --quiet --event create --event moved_to --format %f "$target" 2>/dev/null)
watcher=$!
trap 'kill "$watcher"' EXIT
sleep 0.5 # inotifywait says nothing when it has begun
echo watching
read_again
while read -r entry <&3; do
  [[ $entry != ..data ]] || read_again
done
