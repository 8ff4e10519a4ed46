# shellcheck shell=bash disable=SC2034,SC2154
# What tests/packages/run does in its steps.

# ---- Packages and systems --------------------------------------------------------------------------------------------

# build/package: this version. build/package-next: the same sources under the next number.
build_both() {
  local version release
  cmake --workflow --preset package >"$work/build.log" 2>&1 || fail "building: $(tail -n 20 "$work/build.log")"
  version=$(build/package/bundlesync --version | cut -d' ' -f2)
  release=${version%.*}.$((${version##*.} + 1))
  {
    cmake -S . -B build/package-next -G Ninja -DCMAKE_BUILD_TYPE=Release -DBUNDLESYNC_RELEASE="$release" &&
      cmake --build build/package-next && cpack --config build/package-next/CPackConfig.cmake -B build/package-next
  } >"$work/build.log" 2>&1 || fail "building: $(tail -n 20 "$work/build.log")"
  architecture=$(dpkg --print-architecture)
  package=$repository/build/package/bundlesync_${version}_$architecture.deb
  next=$repository/build/package-next/bundlesync_${release}_$architecture.deb
  archive=$(deploy/make-tarball build/package "$work")
  ls -lh "$package" "$next" "$archive" | awk '{ print "  " $5 " " $9 }' | sed "s#$repository/##; s#$work/##"
}
version_of() { dpkg-deb -f "$1" Version; }

make_root() {
  local suite=$1
  shift
  [[ ! -e build/roots/$suite.tar ]] || return 0
  echo "  debootstrap $suite (some minutes, the first time only)"
  mkdir -p build/roots
  debootstrap --variant=minbase "$@" "$suite" "$work/making" http://deb.debian.org/debian >"$work/debootstrap.log" 2>&1 ||
    fail "debootstrap: $(tail -n 5 "$work/debootstrap.log")"
  tar -C "$work/making" -cf "build/roots/$suite.part" .
  mv "build/roots/$suite.part" "build/roots/$suite.tar"
  rm -rf "$work/making"
}
make_roots() {
  make_root bookworm --include=systemd,systemd-sysv,dbus
  make_root bullseye
  mkdir "$root"
  tar -C "$root" -xf build/roots/bookworm.tar
  cp -L /etc/resolv.conf "$root/etc/resolv.conf"
}

# ---- The catalog, outside ----------------------------------------------------------------------------------------------

as_postgres() { setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; }
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

start_postgres() {
  postgres_bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
  install -d -m 700 -o postgres "$work/postgres"
  as_postgres "$postgres_bin/initdb" -D "$work/postgres/data" -U postgres -A trust -E UTF8 --locale=C >/dev/null
  local port
  port=$(free_port)
  as_postgres "$postgres_bin/pg_ctl" -D "$work/postgres/data" -l "$work/postgres/log" -w -s \
    -o "-c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories=$work/postgres" start >/dev/null
  postgres_up=yes
  export DATABASE_URL=postgresql://postgres@127.0.0.1:$port/postgres
}

publish_two_versions() {
  mkdir -p "$root/srv/store" "$work/letter"
  build/package/bundlesync migrate >/dev/null
  local version
  for version in 1.1.0 1.0.0; do
    printf 'letter %s\n' "$version" | tee "$work/letter/a.md" >"$work/letter/b.md"
    build/package/bundlesync publish "$work/letter" --template letter --version "$version" --set-default \
      --storage-url "file://$root/srv/store" >/dev/null
  done
}

# Makes a version the default, and waits until the directory shows it.
move_to() {
  "$postgres_bin/psql" -Xq "$DATABASE_URL" -c "update templates set default_version_id =
    (select id from template_versions v where v.template_id = templates.id and semver = '$1') where name = 'letter'"
  wait_until shows "$1"
}
shows() { [[ $(cat "$root/var/lib/bundlesync/prompts/letter/a.md") == "letter $1" ]]; }

# ---- The system, inside --------------------------------------------------------------------------------------------------

boot() {
  "$here/boot" "$root" 2>"$work/boot.log" &
  booted=$!
  wait_until systemd_pid
  wait_until inside systemctl is-system-running --wait
}
# boot -> its subshell -> unshare became systemd's parent: the last of the line.
systemd_pid() {
  local pid=$booted child
  while child=$(pgrep -P "$pid" | head -n 1) && [[ -n $child ]]; do
    pid=$child
    [[ $(cat "/proc/$pid/comm") != systemd ]] || { echo "$pid"; return 0; }  # 0: a trap would else return what failed before it
  done
  return 1
}
inside() { nsenter -t "$(systemd_pid)" -m -p -u -i -C -r -w "$@"; }
kill_boot() {
  local pid
  if pid=$(systemd_pid); then kill -9 "$pid"; else kill "$booted"; fi
  wait "$booted" 2>/dev/null || true
  booted=''
}

install_package() {
  cp "$1" "$root/root/"
  # apt lists are fetched once.
  [[ -e $work/apt-updated ]] || inside apt-get update -q >"$work/apt.log" 2>&1 || fail "apt: $(tail -n 5 "$work/apt.log")"
  touch "$work/apt-updated"
  inside env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${@:2}" "/root/$(basename "$1")" \
    >"$work/apt.log" 2>&1 || fail "apt: $(tail -n 5 "$work/apt.log")"
}

configure() {
  http_port=$(free_port)
  sed -i -e 's/^templates: .*/templates: letter/' -e 's/^#remote: false/remote: true/' \
    -e 's|^#storage.url: .*|storage.url: file:///srv/store|' -e "s/^#http.listen: .*/http.listen: 127.0.0.1:$http_port/" \
    "$root/etc/bundlesync/agent.yaml"
  printf '%s\n' "$DATABASE_URL" >"$root/etc/bundlesync/credentials/database.url"
  chmod 600 "$root/etc/bundlesync/credentials/database.url"
  mkdir -p "$root/etc/systemd/system/bundlesync.service.d"
  grep -v storage.key "$root/usr/share/doc/bundlesync/examples/credentials.conf" \
    >"$root/etc/systemd/system/bundlesync.service.d/credentials.conf"
  inside systemctl daemon-reload
}

property() { inside systemctl show -P "$1" bundlesync.service; }
journal() { inside journalctl -u bundlesync.service -o cat --no-pager; }
metric() { curl -fsS "http://127.0.0.1:$http_port/metrics" | awk -v name="$1" '$1 == name { print $2 }'; }
running_other_than() { local pid; pid=$(property MainPID) && [[ $pid != "$1" && $pid != 0 && $(property ActiveState) == active ]]; }

run_app() {
  install -d -m 777 "$root/run-of-app"
  cat >"$root/etc/systemd/system/app.service" <<EOF
[Service]
Type=oneshot
User=nobody
ExecStart=/bin/sh -c 'cat /var/lib/bundlesync/prompts/letter/a.md >/run-of-app/read'
EOF
  mkdir -p "$root/etc/systemd/system/app.service.d"
  cp "$root/usr/share/doc/bundlesync/examples/app.conf" "$root/etc/systemd/system/app.service.d/bundlesync.conf"
  inside systemctl daemon-reload
  inside systemctl start app.service || fail "the app: $(inside journalctl -u app -n 5 -o cat --no-pager)"
}

belongs_to_group() { [[ $(inside stat -Lc %G /var/lib/bundlesync/prompts/letter/a.md) == prompts ]]; }
of_a_group() {
  inside groupadd --gid 3000 prompts
  cp "$root/usr/share/doc/bundlesync/examples/group.conf" "$root/etc/systemd/system/bundlesync.service.d/"
  printf 'target.gid: 3000\ntarget.file_mode: "0440"\ntarget.dir_mode: "0550"\n' >>"$root/etc/bundlesync/agent.yaml"
  inside systemctl daemon-reload
  inside systemctl restart bundlesync || fail "the unit does not start"
  wait_until belongs_to_group
  is "a file" "$(inside stat -Lc '%U:%G %a' /var/lib/bundlesync/prompts/letter/a.md)" "bundlesync:prompts 440"
  rm "$root/etc/systemd/system/bundlesync.service.d/group.conf"
  sed -i '/^target\.\(gid\|file_mode\|dir_mode\)/d' "$root/etc/bundlesync/agent.yaml"
  inside systemctl daemon-reload
  inside systemctl restart bundlesync
  wait_until inside runuser -u nobody -- cat /var/lib/bundlesync/prompts/letter/a.md
}

# With two seconds instead of thirty: an agent that works is left alone, one that is stopped is put out and replaced.
watchdog() {
  local was
  printf '[Service]\nWatchdogSec=2\nTimeoutAbortSec=1\n' >"$root/etc/systemd/system/bundlesync.service.d/watchdog.conf"
  inside systemctl daemon-reload
  inside systemctl restart bundlesync
  sleep 6
  is "restarts of an agent that works, in 6 s" "$(property NRestarts)" 0
  was=$(property MainPID)
  inside systemctl kill -s STOP bundlesync.service
  wait_until running_other_than "$was"
  is "restarts of one that was stopped" "$(property NRestarts)" 1
  rm "$root/etc/systemd/system/bundlesync.service.d/watchdog.conf"
  inside systemctl daemon-reload
  inside systemctl restart bundlesync
}

# ---- The archive ---------------------------------------------------------------------------------------------------------

try_archive() {
  local old=$work/bullseye program
  mkdir "$old"
  tar -C "$old" -xf build/roots/bullseye.tar
  tar -C "$old/opt" -xzf "$archive"
  program=/opt/$(basename "$archive" .tar.gz)/bin/bundlesync
  ln -s "$program" "$old/usr/local/bin/bundlesync"
  cp -r "$root/srv/store" "$old/srv/store"
  install -d -o 65534 "$old/prompts"
  # A name to look up the way this system does.
  echo '127.0.0.1 localhost' >"$old/etc/hosts"
  old_glibc=$(chroot "$old" ldd --version | awk 'NR == 1 { print $NF }')
  is "its own C library" "$old_glibc" 2.31
  is "version" "$(chroot "$old" bundlesync --version)" "bundlesync $(version_of "$package")"
  chroot --userspec=65534:65534 "$old" env BUNDLESYNC_DATABASE_URL="${DATABASE_URL/127.0.0.1/localhost}" \
    BUNDLESYNC_TARGET=/prompts BUNDLESYNC_TEMPLATES=letter BUNDLESYNC_STORAGE_URL=file:///srv/store \
    FEATURE_TEMPLATE_VERSION_REMOTE_STORAGE=true bundlesync agent --once --strict 2>"$work/archive.log" ||
    fail "agent --once: $(tail -n 5 "$work/archive.log")"
  is "it shows" "$(cat "$old/prompts/letter/a.md")" "letter 1.0.0"
  is "its units start" "$(awk -F '[= ]' '/^ExecStart=/ { print $2 }' "$old/opt/"*/systemd/*.service | sort -u)" /usr/local/bin/bundlesync
  is "it is confined" "$(grep -o 'confined=[a-z_,]*' "$work/archive.log")" confined=no_core,landlock,seccomp
}
