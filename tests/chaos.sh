#!/bin/sh
# Runs the whole fault and kill matrices, in the stand-in for Terraform core and
# under the real CLI, one after the other, and ends with a table.
set -eu
cd "$(dirname "$0")/.."
table="$PWD/target/chaos-table"
rm -f "$table"
export SAPCALM_CHAOS_TABLE="$table" SAPCALM_CHAOS=full

status=0
"${CARGO:-cargo}" test --locked --test it matrix -- --nocapture --test-threads=1 || status=$?

if [ -f "$table" ]; then
  awk -F '\t' '
    BEGIN {
      line = "%-18s %7s %10s %8s %11s %13s %6s\n"
      printf "\n" line, "", "cases", "converged", "orphans", "duplicates", "lost objects", "time"
    }
    {
      printf line, $1, $2, $3, $4, $5, $6, $7 " s"
      for (i = 2; i <= 7; i++) sum[i] += $i
    }
    END { printf line, "all", sum[2], sum[3], sum[4], sum[5], sum[6], sum[7] " s" }
  ' "$table"
fi
exit "$status"
