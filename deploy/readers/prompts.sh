# Reads files that bundlesync shows, all of one moment. Copy this file and source it; it needs bash 4.2 and readlink.
#
#   prompts_read /prompts section7/section7_master.md section7/config.json || exit
#   printf '%s' "${prompts[section7/section7_master.md]}"

# prompts_read TARGET FILE…   puts the text of these files (template/path) into prompts[template/path]. Files of one
# template are of one version, and several templates are of one moment. On failure prompts stays as it was.
declare -gA prompts=()
prompts_read() {
  local target=$1 view file text
  shift
  for _ in 1 2 3 4 5; do
    # Once: a second look at ..data could give the next version.
    view=$(readlink "$target/..data") || break
    local -A found=()
    for file; do
      # Unlike $(<file) this keeps the newlines at the end. A file that is gone means that the view was old: again.
      { IFS= read -r -d '' text || true; } 2>/dev/null <"$target/$view/$file" || continue 2
      found[$file]=$text
    done
    prompts=()
    for file; do prompts[$file]=${found[$file]}; done
    prompts_view=$view
    return 0
  done
  echo "prompts_read: cannot read ${file:-..data} in $target" >&2
  return 1
}

# prompts_refresh TARGET FILE…   reads again when something has changed; cheap enough to call before every use.
prompts_view=
prompts_refresh() {
  [[ -n $prompts_view && $(readlink "$1/..data") == "$prompts_view" ]] || prompts_read "$@"
}
