#!/bin/sh
# Breaks each promise on purpose and expects the tests that keep it to notice.
#
# Every file in tests/mutants/ is one such change: a patch, and before it what it
# breaks and which tests must turn red. Each is applied to a copy of the last
# commit; `make mutants MUTANT="name another"` does these. A patch that no longer
# applies has to be made anew: the code that it broke is not there any more.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
copy=$root/target/mutants/copy
export CARGO_TARGET_DIR="$root/target/mutants/build"
rm -rf "$copy"
mkdir -p "$root/target/mutants"
git clone --quiet "$root" "$copy"

survivors=0
for name in ${MUTANT:-$(cd "$root/tests/mutants" && ls -- *.patch)}; do
  name=$(basename "$name" .patch)
  patch=$root/tests/mutants/$name.patch
  git -C "$copy" checkout --quiet --force .
  if ! git -C "$copy" apply "$patch"; then
    echo "$name: does not apply"
    survivors=$((survivors + 1))
    continue
  fi
  for test in $(sed -n 's/^Red: //p' "$patch"); do
    log=$root/target/mutants/$name-$test.log
    if (cd "$copy" && "${CARGO:-cargo}" test --locked --workspace --lib --test it -- "$test") >"$log" 2>&1; then
      echo "$name: SURVIVED $test"
      survivors=$((survivors + 1))
    elif grep -q "test .*$test.* FAILED" "$log"; then
      echo "$name: noticed by $test"
    else
      echo "$name: did not run, see $log"
      survivors=$((survivors + 1))
    fi
  done
done
test "$survivors" -eq 0
