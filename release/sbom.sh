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
command -v jq >/dev/null || { echo "jq is missing. Debian: apt-get install jq." >&2; exit 1; }
# It writes next to Cargo.toml, whatever it is told.
name="sbom-$$"
trap 'rm -f "$name.json"' EXIT INT TERM
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
export SOURCE_DATE_EPOCH
$cargo cyclonedx --quiet --format json --spec-version 1.5 --target "$target" \
  --no-build-deps --override-filename "$name"

# It also lists crates that a feature could pull in and none does. What is
# linked is what `cargo tree` says. And nothing about the machine that made it.
linked=$($cargo tree --locked --edges normal --target "$target" --prefix none --format '{p}' |
  awk '{ print $1 "@" substr($2, 2) }' | sort -u)
sed "s|path+file://$PWD|path+file:///provider|g" "$name.json" | jq --arg linked "$linked" '
  ($linked | split("\n")) as $linked
  | def is_linked: (split(" ")[0] | split("#") | last) as $crate | any($linked[]; . == $crate);
    .components |= map(select(."bom-ref" | is_linked))
  | .dependencies |= map(select(.ref | is_linked)
      | if .dependsOn then .dependsOn |= map(select(is_linked)) else . end)
' > "$file"
echo "$file"
