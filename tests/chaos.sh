#!/bin/sh
# Runs the whole fault and kill matrices, in the stand-in for Terraform core and
# under the real CLI, and ends with a table.
set -eu
cd "$(dirname "$0")/.."
table="$PWD/target/chaos-table"
rm -f "$table"
export SAPCALM_CHAOS_TABLE="$table" SAPCALM_CHAOS=full

status=0
"${CARGO:-cargo}" test --locked --workspace --test it matrix -- --nocapture --test-threads=4 || status=$?

if [ -f "$table" ]; then
  # The shares of one matrix ran side by side.
  awk -F '\t' '
    BEGIN {
      line = "%-18s %7s %10s %8s %11s %13s %6s\n"
      printf "\n" line, "", "cases", "converged", "orphans", "duplicates", "lost objects", "time"
    }
    !($1 in longest) { names[++count] = $1; longest[$1] = 0 }
    {
      for (i = 2; i <= 6; i++) { part[$1, i] += $i; all[i] += $i }
      if ($7 > longest[$1]) longest[$1] = $7
    }
    function row(name, seconds) {
      printf line, name, part[name, 2], part[name, 3], part[name, 4], part[name, 5], part[name, 6], seconds
    }
    END {
      for (i = 1; i <= count; i++) row(names[i], longest[names[i]] " s")
      for (i = 2; i <= 6; i++) part["all", i] = all[i]
      row("all", "")
    }
  ' "$table"
fi
exit "$status"
