#!/bin/sh
# Builds the provider, or another PROGRAM, as releases have it, and prints the
# path of the binary:
#
#   sh release/build.sh [TARGET [ARGUMENT OF CARGO ...]]
#
# The binary needs no library of the machine that runs it (on Linux and
# Windows), and holds no path of the machine that built it, so that two people
# with the same toolchain get the same bytes.
set -eu
cd "$(dirname "$0")/.."

cargo=${CARGO:-cargo}
program=${PROGRAM:-terraform-provider-sapcalm}
target=${1:-$(rustc -vV | sed -n 's/^host: //p')}
[ $# -eq 0 ] || shift
home=${CARGO_HOME:-$HOME/.cargo}
here=$PWD

# Rust's paths. What cargo itself passes is relative to the package already.
flags="--remap-path-prefix=$home=/cargo --remap-path-prefix=$here=/provider"
case "$target" in
  # Also with glibc: the machine that runs it may have another one, or none.
  *-linux-* | *-windows-msvc) flags="$flags -C target-feature=+crt-static" ;;
esac
# A position independent program is full of addresses to correct at its start.
# Packed they take 2 % of the room. The C library inside corrects them: glibc
# can since 2.36, musl was not tried.
case "$target:$(getconf GNU_LIBC_VERSION 2>/dev/null)" in
  *-linux-gnu:"glibc 2."3[6-9] | *-linux-gnu:"glibc 2."[4-9][0-9])
    flags="$flags -C link-arg=-Wl,-z,pack-relative-relocs" ;;
esac

case "$target" in
  # The same for the C code of the TLS library, and what a compiler does against
  # overruns where it is told to: not every one does by itself.
  *-windows-msvc) ;;
  *)
    export CFLAGS="${CFLAGS:-} -ffile-prefix-map=$home=/cargo -ffile-prefix-map=$here=/provider \
-fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2"
    ;;
esac

# With a target, even this machine's own, the flags leave build scripts alone.
RUSTFLAGS="$flags" $cargo build --locked --release --target "$target" \
  --bin "$program" "$@" >&2

case "$target" in
  *-windows-*) suffix=.exe ;;
  *) suffix= ;;
esac
echo "target/$target/release/$program$suffix"
