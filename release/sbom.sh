#!/bin/sh
# Writes the list of all crates in the binary of a target (CycloneDX, JSON):
#
#   sh release/sbom.sh TARGET FILE
#
# It is made of what Cargo says and of the checksums in Cargo.lock, so it needs no
# program of others, and says nothing about the machine that made it.
set -eu
cd "$(dirname "$0")/.."

target=$1 file=$2
command -v jq >/dev/null || { echo "jq is missing. Debian: apt-get install jq." >&2; exit 1; }
time=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
linked=$(sh release/linked.sh "$target")
sums=$(awk -F '"' '/^name = /{n=$2} /^version = /{v=$2} /^checksum = /{print n, v, $2}' Cargo.lock)

${CARGO:-cargo} metadata --locked --format-version 1 --filter-platform "$target" |
  jq --arg linked "$linked" --arg sums "$sums" --argjson time "$time" '
  def lines: split("\n") | map(select(. != ""));
  def key: "\(.name) \(.version)";
  def purl: "pkg:cargo/\(.name)@\(.version)";
  ($linked | lines | map({ (.): true }) | add) as $linked
  | ($sums | lines | map(split(" ") | { "\(.[0]) \(.[1])": .[2] }) | add) as $sums
  | (.packages | map({ (.id): . }) | add) as $all
  | [.packages[] | select($linked[key])] as $packages
  | ($packages | map({ (.id): true }) | add) as $ids
  | def component(type): {
      type: type, "bom-ref": purl, name: .name, version: .version, purl: purl,
      licenses: [{ expression: (.license // "NOASSERTION" | gsub("/"; " OR ")) }],
      hashes: (if $sums[key] then [{ alg: "SHA-256", content: $sums[key] }] else [] end)
    };
  def is_program: .name == "terraform-provider-sapcalm";
  {
    bomFormat: "CycloneDX", specVersion: "1.5", version: 1,
    metadata: {
      timestamp: ($time | todate),
      component: ($packages[] | select(is_program) | component("application"))
    },
    components: [$packages[] | select(is_program | not) | component("library")],
    dependencies: [.resolve.nodes[] | select($ids[.id]) | {
      ref: ($all[.id] | purl), dependsOn: [.dependencies[] | select($ids[.]) | $all[.] | purl]
    }]
  }' > "$file"
echo "$file"
