#!/bin/sh
# Zips the files in a folder; a program among them is executable already:
#
#   sh release/zip.sh FOLDER ARCHIVE
#
# The same input gives the same bytes: names in order, one time for all files
# (SOURCE_DATE_EPOCH, else the last commit's), nothing about the user.
set -eu
cd "$(dirname "$0")/.."

if [ $# -ne 2 ]; then
  echo "usage: sh release/zip.sh FOLDER ARCHIVE" >&2
  exit 2
fi
command -v zip >/dev/null || { echo "zip is missing. Debian: apt-get install zip." >&2; exit 1; }
time=$(sh release/time.sh)
mkdir -p "$(dirname "$2")"
archive=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
rm -f "$archive"
TZ=UTC touch -t "$time" "$1"/*
(cd "$1" && printf '%s\n' * | LC_ALL=C sort | TZ=UTC zip -X -q -9 "$archive" -@)
echo "$archive"
