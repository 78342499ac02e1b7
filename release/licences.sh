#!/bin/sh
# Prints the licences of the crates in the binaries of all platforms, which ask
# that their text goes with the binary:
#
#   sh release/licences.sh > THIRD_PARTY_LICENSES
#
# They are the provider's, or those of another PROGRAM with FEATURES.
#
# Where a crate may be had under the Apache License, which is the provider's own,
# it is; its text is in LICENSE. Of all others the text is here as they have it.
set -eu
export LC_ALL=C
cd "$(dirname "$0")/.."

command -v jq >/dev/null || { echo "jq is missing. Debian: apt-get install jq." >&2; exit 1; }
linked=$(for target in \
  x86_64-unknown-linux-musl aarch64-unknown-linux-musl x86_64-apple-darwin \
  aarch64-apple-darwin x86_64-pc-windows-msvc aarch64-pc-windows-msvc; do
  sh release/linked.sh "$target"
done | sort -u)

# Name, version, licence, folder, repository; the crates of this repository have no source.
crates=$(${CARGO:-cargo} metadata --locked --format-version 1 | jq -r --arg linked "$linked" '
  ($linked | split("\n") | map({ (.): true }) | add) as $linked
  | .packages[] | select(.source and $linked["\(.name) \(.version)"])
  | [.name, .version, (.license // "see below" | gsub("/"; " OR ")), (.manifest_path | rtrimstr("/Cargo.toml")),
     .repository // "none"]
  | join("|")' | sort)

is_apache() {
  case " $1 " in
    *" AND "*) return 1 ;;
    *" Apache-2.0 "*) return 0 ;;
  esac
  return 1
}

# The texts in a folder.
texts() {
  for text in "$1"/LICEN[CS]E* "$1"/COPYING* "$1"/NOTICE*; do
    [ ! -f "$text" ] || tr -d '\r' < "$text" | sed 's/[[:space:]]*$//'
  done
}

# musl, the C library in the binaries for Linux, is no crate.
musl() {
  printf '\n%s\nmusl, in the binaries for Linux (MIT)\n\n' \
    ------------------------------------------------------------------------
  cat <<TEXT
Copyright (c) 2005-2020 Rich Felker, et al.

Permission is hereby granted, free of charge, to any person obtaining a copy of
this software and associated documentation files (the "Software"), to deal in
the Software without restriction, including without limitation the rights to
use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies
of the Software, and to permit persons to whom the Software is furnished to do
so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS
FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER
IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN
CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
TEXT
}

echo "The binaries of ${PROGRAM:-terraform-provider-sapcalm} contain code of these crates, and of Rust's
standard library, which is under the Apache License 2.0 as well."
echo
echo "Under the Apache License 2.0, whose text is in LICENSE:"
echo
echo "$crates" | while IFS='|' read -r name version licence folder repository; do
  if is_apache "$licence"; then echo "  $name $version"; fi
done
echo "$crates" | while IFS='|' read -r name version licence folder repository; do
  if is_apache "$licence"; then continue; fi
  printf '\n%s\n%s %s (%s)\n\n' ------------------------------------------------------------------------ \
    "$name" "$version" "$licence"
  text=$(texts "$folder")
  # Some leave it in their repository; others from there have it.
  if [ -z "$text" ]; then
    text=$(echo "$crates" | awk -F '|' -v home="$repository" -v licence="$licence" \
      '$5 == home && $3 == licence { print $4 }' | while read -r other; do texts "$other"; done)
  fi
  [ -n "$text" ] || { echo "$name $version has no text of its licence" >&2; exit 1; }
  printf '%s\n' "$text"
done
musl
