#!/bin/sh
# Writes the list of all crates in the binary of a target (CycloneDX, JSON):
#
#   sh release/sbom.sh TARGET FILE
set -eu
cd "$(dirname "$0")/.."

target=$1 file=$2
cargo=${CARGO:-cargo}
if ! $cargo cyclonedx --version >/dev/null 2>&1; then
  echo "cargo-cyclonedx is missing, so there is no SBOM. Install it: cargo install cargo-cyclonedx --locked" >&2
  test "${CI:-}" != true
  exit
fi
# It writes next to Cargo.toml, whatever it is told.
name="sbom-$$"
trap 'rm -f "$name.json"' EXIT INT TERM
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
export SOURCE_DATE_EPOCH
$cargo cyclonedx --quiet --format json --spec-version 1.5 --target "$target" \
  --no-build-deps --override-filename "$name"
# Nothing about the machine that made it.
sed "s|path+file://$PWD|path+file:///provider|g" "$name.json" > "$file"
echo "$file"
