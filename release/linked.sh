#!/bin/sh
# Prints the crates whose code is in the binary of a target, one `name version`
# a line: no build tools, no macros, and none that only the emulator or the tests
# have.
#
#   sh release/linked.sh TARGET
set -eu
cd "$(dirname "$0")/.."

${CARGO:-cargo} tree --locked --package terraform-provider-sapcalm --edges normal,no-proc-macro \
  --target "$1" --prefix none --format '{p}' |
  awk '{ print $1, substr($2, 2) }' | LC_ALL=C sort -u
