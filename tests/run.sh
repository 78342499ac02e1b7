#!/bin/sh
# Runs all tests and ends with what they amounted to: the checks that the
# stand-in for Terraform core made, and what was left out for want of a CLI.
set -eu
cd "$(dirname "$0")/.."
counts=target/test-counts
rm -rf "$counts"
mkdir -p "$counts"
export TEST_COUNTS="$PWD/$counts"

status=0
"${CARGO:-cargo}" test --locked --workspace "$@" || status=$?

checks=$(cat "$counts"/checks-* 2>/dev/null | awk '{ sum += $1 } END { print sum + 0 }')
echo "checks made by the stand-in for Terraform core: $checks"
if ls "$counts"/skipped-* >/dev/null 2>&1; then
  left_out=$(cat "$counts"/skipped-* | wc -l | tr -d ' ')
  echo "left out: $left_out tests ($(cat "$counts"/skipped-* | sort | uniq -c | sed 's/^ *\([0-9]*\) \(.*\)/\1 x \2/' | paste -sd ';' -))"
else
  echo "left out: nothing"
fi
exit "$status"
