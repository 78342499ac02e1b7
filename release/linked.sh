#!/bin/sh
# Prints the crates whose code is in the provider's binary of a target, or in that
# of another PROGRAM with FEATURES, one `name version` a line: no build tools, no macros, and
# none that only other programs or the tests have.
#
#   sh release/linked.sh TARGET
set -eu
cd "$(dirname "$0")/.."

${CARGO:-cargo} tree --locked --package "${PROGRAM:-terraform-provider-sapcalm}" --edges normal,no-proc-macro \
  ${FEATURES:+--features "$FEATURES"} \
  --target "$1" --prefix none --format '{p}' |
  awk '{ print $1, substr($2, 2) }' | LC_ALL=C sort -u
