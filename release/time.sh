#!/bin/sh
# Prints the time that all files of a release have, as `touch -t` wants it:
# SOURCE_DATE_EPOCH, else that of the last commit.
set -eu

seconds=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
# ZIP knows no time before 1980.
[ "$seconds" -ge 315619200 ] || seconds=315619200
# GNU first, then BSD.
date -u -d "@$seconds" +%Y%m%d%H%M.%S 2>/dev/null || date -u -r "$seconds" +%Y%m%d%H%M.%S
