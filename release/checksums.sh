#!/bin/sh
# Completes a folder of archives for the Registry: adds the manifest under its
# release name, and the checksums of archives and manifest. Of nothing else: the
# Registry refuses a release whose sums name other files.
#
#   sh release/checksums.sh VERSION FOLDER
set -eu
export LC_ALL=C
cd "$(dirname "$0")/.."

if [ $# -ne 2 ]; then
  echo "usage: sh release/checksums.sh VERSION FOLDER" >&2
  exit 2
fi
version=$1 folder=$2
name="terraform-provider-sapcalm_$version"
rm -f "$folder/${name}_SHA256SUMS.sig"
cp terraform-registry-manifest.json "$folder/${name}_manifest.json"

sum() {
  if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi
}
cd "$folder"
sum "${name}"_*.zip "${name}_manifest.json" > "${name}_SHA256SUMS"
echo "$folder/${name}_SHA256SUMS"
