#!/bin/sh
# Packs a binary as the Registry wants it, into a folder:
#
#   sh release/archive.sh BINARY VERSION OS ARCH FOLDER
set -eu
cd "$(dirname "$0")/.."

if [ $# -ne 5 ]; then
  echo "usage: sh release/archive.sh BINARY VERSION OS ARCH FOLDER" >&2
  exit 2
fi
binary=$1 version=$2 os=$3 arch=$4 folder=$5

case "$os" in
  windows) suffix=.exe ;;
  *) suffix= ;;
esac
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT INT TERM

cp "$binary" "$scratch/terraform-provider-sapcalm_v$version$suffix"
cp LICENSE THIRD_PARTY_LICENSES README.md CHANGELOG.md "$scratch"
chmod 755 "$scratch/terraform-provider-sapcalm_v$version$suffix"
chmod 644 "$scratch"/[A-Z]*
sh release/zip.sh "$scratch" "$folder/terraform-provider-sapcalm_${version}_${os}_${arch}.zip"
