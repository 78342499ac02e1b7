#!/bin/sh
# Prints the platform of a Rust target in the Registry's words: `linux amd64`.
# Without an argument: of this machine.
set -eu

target=${1:-$(rustc -vV | sed -n 's/^host: //p')}
case "$target" in
  *-linux-*) os=linux ;;
  *-apple-darwin) os=darwin ;;
  *-windows-*) os=windows ;;
  *) echo "no release is made for $target" >&2; exit 1 ;;
esac
case "$target" in
  x86_64-*) arch=amd64 ;;
  aarch64-*) arch=arm64 ;;
  *) echo "no release is made for $target" >&2; exit 1 ;;
esac
echo "$os $arch"
