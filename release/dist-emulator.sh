#!/bin/sh
# `make dist-emulator`: the emulator for this machine's platform, in
# dist/emulator/. It is no part of what the Registry takes.
set -eu
cd "$(dirname "$0")/.."

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
target=${TARGET:-$(rustc -vV | sed -n 's/^host: //p')}
platform=$(sh release/platform.sh "$target")
binary=$(PROGRAM=sapcalm-emulator sh release/build.sh "$target" \
  --package sapcalm-emulator --features pkcs12)
rm -rf dist/emulator
sh release/emulator.sh "$binary" "$version" ${platform% *} ${platform#* } dist/emulator
