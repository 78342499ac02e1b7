#!/bin/sh
# Packs a binary as the Registry wants it, into a folder:
#
#   sh release/archive.sh BINARY VERSION OS ARCH FOLDER
#
# The same input gives the same bytes: names in order, one time for all files
# (SOURCE_DATE_EPOCH, else the last commit's), nothing about the user.
set -eu
cd "$(dirname "$0")/.."

if [ $# -ne 5 ]; then
  echo "usage: sh release/archive.sh BINARY VERSION OS ARCH FOLDER" >&2
  exit 2
fi
binary=$1 version=$2 os=$3 arch=$4 folder=$5
command -v zip >/dev/null || { echo "zip is missing. Debian: apt-get install zip." >&2; exit 1; }

case "$os" in
  windows) suffix=.exe ;;
  *) suffix= ;;
esac
time=$(sh release/time.sh)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT INT TERM

cp "$binary" "$scratch/terraform-provider-sapcalm_v$version$suffix"
cp LICENSE THIRD_PARTY_LICENSES README.md CHANGELOG.md "$scratch"
chmod 755 "$scratch/terraform-provider-sapcalm_v$version$suffix"
chmod 644 "$scratch"/[A-Z]*
TZ=UTC touch -t "$time" "$scratch"/*

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
archive="$folder/terraform-provider-sapcalm_${version}_${os}_${arch}.zip"
rm -f "$archive"
(cd "$scratch" && printf '%s\n' * | LC_ALL=C sort | TZ=UTC zip -X -q -9 "$archive" -@)
echo "$archive"
