#!/bin/sh
# Packs the binaries of all platforms, by one `zip`, and adds manifest and sums:
#
#   sh release/pack.sh BINARIES FOLDER
#
# BINARIES has a folder `binary-TARGET` for each target, with the program and its
# SBOM, as build.yml makes them.
set -eu
cd "$(dirname "$0")/.."

if [ $# -ne 2 ]; then
  echo "usage: sh release/pack.sh BINARIES FOLDER" >&2
  exit 2
fi
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
for made in "$1"/binary-*; do
  target=${made##*/binary-}
  platform=$(sh release/platform.sh "$target")
  os=${platform% *} arch=${platform#* }
  suffix=
  [ "$os" != windows ] || suffix=.exe
  sh release/archive.sh "$made/terraform-provider-sapcalm$suffix" "$version" "$os" "$arch" "$2"
  cp "$made/sbom.cdx.json" "$2/terraform-provider-sapcalm_${version}_${os}_${arch}_sbom.cdx.json"
done
sh release/checksums.sh "$version" "$2"
