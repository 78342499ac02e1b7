#!/bin/sh
# Runs the tests of the real CLI with every Terraform that can be had, and ends with
# a table: what passed, what was left out and why.
#
#   sh tests/clients.sh
#
# The clients are those of tools/clis for this machine, an OpenTofu that `make demo`
# has fetched, and what TF_CLIS names (paths, separated by spaces). A client that has
# not what a test needs leaves it out; no other takes its place here. CLIENT_JOBS run
# at the same time.
set -eu
cd "$(dirname "$0")/.."
cargo=${CARGO:-cargo}
target=${CARGO_TARGET_DIR:-target}
place=$target/clients

# One client, by its path.
one() {
  name=$("$1" version 2>/dev/null | awk '/^(Terraform|OpenTofu) v/ { sub(/ v/, " "); print; exit }')
  [ -n "$name" ] || { echo "$1 does not say which version it is" >&2; return 1; }
  folder=$place/$(echo "$name" | tr ' ' -)
  rm -rf "$folder"
  mkdir -p "$folder/counts"
  status=green
  TF_CLI=$1 TF_CLI_ONLY=1 TEST_COUNTS=$(cd "$folder/counts" && pwd) \
    $cargo test --locked --workspace --no-fail-fast --tests -- cli_ >"$folder/log" 2>&1 || status=RED
  sums=$(sed -n 's/^test result: [^.]*\. \([0-9]*\) passed; \([0-9]*\) failed.*/\1 \2/p' "$folder/log" |
    awk '{ passed += $1; failed += $2 } END { print passed + 0, failed + 0 }')
  cat "$folder"/counts/skipped-* 2>/dev/null | sort | uniq -c | awk -v name="$name" -v status="$status" -v sums="$sums" '
    { n = $1; sub(/^ *[0-9]+ /, ""); sub(/^.* has no /, ""); sum += n; why = why (why == "" ? "" : ", ") $0 " (" n ")" }
    END {
      split(sums, count, " ")
      printf "%s\t%d\t%d\t%d\t%s\n", name, count[1] - sum, count[2], sum, why
    }' > "$folder/row"
  echo "$name: $status, see $folder/log" >&2
  [ "$status" = green ]
}

if [ "${1:-}" = one ]; then
  one "$2"
  exit
fi

rm -rf "$place"
mkdir -p "$place"
versions=$(awk '$1 == "terraform" { print $2 }' tools/clis | uniq)
for version in $versions; do
  sh tools/cli.sh terraform "$version" || echo "Terraform $version cannot be had here" >&2
done > "$place/paths"
NO_DOWNLOAD=1 sh tools/cli.sh opentofu newest >> "$place/paths" 2>/dev/null || true
for path in ${TF_CLIS:-}; do echo "$path"; done >> "$place/paths"

# As in tests/run.sh.
sh tests/sap_clients.sh || true
$cargo test --locked --workspace --tests --no-run
cores=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
status=0
xargs -n 1 -P "${CLIENT_JOBS:-$(((cores + 1) / 2))}" sh tests/clients.sh one < "$place/paths" || status=1

echo
cat "$place"/*/row | sort -t ' ' -k 1,1 -k 2,2V | awk -F '\t' '
  BEGIN { print "| client | passed | failed | left out | for want of |"; print "| --- | --- | --- | --- | --- |" }
  { printf "| %s | %s | %s | %s | %s |\n", $1, $2, $3, $4, $5 }'
exit "$status"
