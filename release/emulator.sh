#!/bin/sh
# Packs the emulator for people who have no Rust, beside a release and in none of
# its sums:
#
#   sh release/emulator.sh BINARY VERSION OS ARCH FOLDER
#
# The Registry takes archives of the provider only, so this one has another name
# and sums of its own. Its crates are not the provider's: their licences are
# written anew.
set -eu
export LC_ALL=C
cd "$(dirname "$0")/.."

if [ $# -ne 5 ]; then
  echo "usage: sh release/emulator.sh BINARY VERSION OS ARCH FOLDER" >&2
  exit 2
fi
binary=$1 version=$2 os=$3 arch=$4 folder=$5

case "$os" in
  windows) suffix=.exe ;;
  *) suffix= ;;
esac
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT INT TERM

cp "$binary" "$scratch/sapcalm-emulator$suffix"
cp LICENSE crates/emulator/README.md "$scratch"
PROGRAM=sapcalm-emulator FEATURES=pkcs12 sh release/licences.sh > "$scratch/THIRD_PARTY_LICENSES"
chmod 755 "$scratch/sapcalm-emulator$suffix"
chmod 644 "$scratch"/[A-Z]*
name="sapcalm-emulator_$version"
sh release/zip.sh "$scratch" "$folder/${name}_${os}_${arch}.zip"
cd "$folder"
if command -v sha256sum >/dev/null; then sum=sha256sum; else sum="shasum -a 256"; fi
$sum "${name}"_*.zip > "${name}_SHA256SUMS"
