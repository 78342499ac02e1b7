#!/bin/sh
# `make release-check`: rehearses what the release workflow does with the
# archives of a folder, with a key that is thrown away: sums, signature, and the
# rules of the Registry.
#
#   sh release/rehearse.sh [FOLDER [SIGNED]]
#
# The folder stays as it is. What was checked is a copy, which is kept in SIGNED,
# with the public key beside it in SIGNED.asc.
set -eu
cd "$(dirname "$0")/.."

folder=${1:-dist}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
ls "$folder"/*.zip >/dev/null 2>&1 || { echo "There is no archive in $folder. Run make dist." >&2; exit 1; }
scratch=$(mktemp -d)
trap 'GNUPGHOME="$scratch/keys" gpgconf --kill all; rm -rf "$scratch"' EXIT INT TERM

mkdir -m 700 "$scratch/keys"
GNUPGHOME="$scratch/keys" gpg --batch --quiet --pinentry-mode loopback --passphrase rehearsal \
  --quick-generate-key "A rehearsal <nobody@example.com>" rsa3072 sign never 2>/dev/null
private=$(GNUPGHOME="$scratch/keys" gpg --batch --pinentry-mode loopback --passphrase rehearsal --armor --export-secret-keys)

signed=${2:-$scratch/release}
rm -rf "$signed"
cp -R "$folder" "$signed"
sums=$(sh release/checksums.sh "$version" "$signed")
GPG_PRIVATE_KEY=$private GPG_PASSPHRASE=rehearsal sh release/sign.sh "$sums" "$signed.asc" 2>/dev/null
sh release/check.sh "$signed" "$version" "$signed.asc"
