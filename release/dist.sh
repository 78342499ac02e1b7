#!/bin/sh
# `make dist`: a release for this machine's platform, in dist/. The workflow
# release.yml does the same for all platforms with the same scripts.
set -eu
cd "$(dirname "$0")/.."

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
target=${TARGET:-$(rustc -vV | sed -n 's/^host: //p')}
platform=$(sh release/platform.sh "$target")
os=${platform% *} arch=${platform#* }
name="terraform-provider-sapcalm_$version"

rm -rf dist
mkdir dist
binary=$(sh release/build.sh "$target")
sh release/archive.sh "$binary" "$version" "$os" "$arch" dist
sh release/sbom.sh "$target" "dist/${name}_${os}_${arch}_sbom.cdx.json"
sh release/checksums.sh "$version" dist
