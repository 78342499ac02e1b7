#!/bin/sh
# Signs the checksums as the Registry wants it: a detached, binary signature
# with an RSA or DSA key (it knows no other kinds).
#
#   GPG_PRIVATE_KEY=... GPG_PASSPHRASE=... sh release/sign.sh SHA256SUMS [PUBLIC_KEY]
#
# The key is in a folder of its own, which is removed in the end. What the Registry
# has to know of it is written to PUBLIC_KEY.
set -eu

sums=$1
GNUPGHOME=$(mktemp -d)
export GNUPGHOME
trap 'gpgconf --kill all; rm -rf "$GNUPGHOME"' EXIT INT TERM

printf '%s\n' "$GPG_PRIVATE_KEY" | gpg --batch --quiet --import
rm -f "$sums.sig"
printf '%s' "${GPG_PASSPHRASE:-}" |
  gpg --batch --quiet --pinentry-mode loopback --passphrase-fd 0 --detach-sign "$sums"
gpg --batch --quiet --verify "$sums.sig" "$sums"
[ $# -lt 2 ] || gpg --batch --armor --export > "$2"
