#!/bin/sh
# Runs all tests and ends with what they amounted to: the checks that the
# stand-in for Terraform core made, the slowest tests, and what was left out.
#
# The tests get a Terraform (TF_CLI, PATH, or fetched: see tools/cli.sh) and, for
# what that one does not have, the newest one. A test that hangs is named and
# ended, see crates/test-runner.
set -eu
cd "$(dirname "$0")/.."
cargo=${CARGO:-cargo}
target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target"
counts=$(cd "$target" && pwd)/test-counts
rm -rf "$counts"
mkdir "$counts"
export TEST_COUNTS="$counts" TEST_TRUST_STORE="$PWD/tests/root.pem"

# Without one a hint was printed, and the tests say what they leave out.
TF_CLI=$(sh tools/cli.sh terraform) || TF_CLI=
[ -n "${TF_CLI_ONLY:-}" ] || sh tools/cli.sh terraform newest >/dev/null || true
export TF_CLI
# The same holds for the clients that SAP wrote; they come while the tests are built.
sh tests/sap_clients.sh &
sap_clients=$!
trap 'kill "$sap_clients" 2>/dev/null || true' EXIT

# Much of the time of a test is waiting.
processors=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
export RUST_TEST_THREADS="${RUST_TEST_THREADS:-$((3 * processors))}"

status=0
$cargo build --locked --quiet --workspace --bin test-runner
host=$(rustc -vV | sed -n 's/^host: //p' | tr 'a-z.-' 'A-Z__')
eval "export CARGO_TARGET_${host}_RUNNER=$target/debug/test-runner"
all=
if [ $# -eq 0 ]; then
  all=yes
  set -- --tests
  # With the tests, so that what it needs is built as they need it.
  $cargo build --locked --workspace --tests --example minimal || status=$?
fi
wait "$sap_clients" || true
trap - EXIT
$cargo test --locked --workspace --no-fail-fast "$@" || status=$?
eval "unset CARGO_TARGET_${host}_RUNNER"
if [ -n "$all" ]; then
  $cargo test --locked --workspace --doc --quiet || status=$?
fi

count() { cat "$counts/$1"-* 2>/dev/null || true; }
echo "the slowest tests, in seconds:"
count times | sort -rn | head -n 10 | sed 's/^/  /'
echo "checks made by the stand-in for Terraform core: $(count checks | awk '{ sum += $1 } END { print sum + 0 }')"
count skipped | sort | uniq -c | awk '
  { n = $1; sub(/^ *[0-9]+ /, ""); sum += n; list = list (list == "" ? "" : "; ") n " x " $0 }
  END { print "left out: " (sum ? sum " tests (" list ")" : "nothing") }
'
count elsewhere | sort | uniq -c | awk '{ n = $1; sub(/^ *[0-9]+ /, ""); print "for a run of its own: " n " x " $0 }'
exit "$status"
