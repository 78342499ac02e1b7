#!/bin/sh
# Checks a folder of a release by the rules of the Terraform Registry:
#
#   sh release/check.sh FOLDER VERSION PUBLIC_KEY
#
# The Registry says nothing when it does not take a release, so this says it
# before. The rules are those of its page "Publishing providers": names,
# manifest, what is summed and what is not, a binary signature with an RSA or
# DSA key. What else is in the folder (SBOMs) may be there, but not in the sums.
set -eu
export LC_ALL=C

if [ $# -ne 3 ]; then
  echo "usage: sh release/check.sh FOLDER VERSION PUBLIC_KEY" >&2
  exit 2
fi
key=$(cd "$(dirname "$3")" && pwd)/$(basename "$3")
version=$2
cd "$1"
name="terraform-provider-sapcalm_$version"
sums="${name}_SHA256SUMS"
for tool in unzip jq gpg; do
  command -v "$tool" >/dev/null || { echo "$tool is missing. Debian: apt-get install unzip jq gnupg." >&2; exit 1; }
done
scratch=$(mktemp -d)
trap 'GNUPGHOME="$scratch" gpgconf --kill all; rm -rf "$scratch"' EXIT INT TERM

broken=0
wrong() {
  echo "wrong: $*" >&2
  broken=1
}

# ---- The version, as a tag of it has to be.
echo "$version" | grep -Eq '^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$' || wrong "$version is no semantic version"

# ---- The archives: name, and the program in them by its name.
archives=0
for file in *.zip; do
  [ -e "$file" ] || continue
  archives=$((archives + 1))
  platform=${file#"${name}"_}
  platform=${platform%.zip}
  case "$file:$platform" in
    "${name}"_*.zip:linux_amd64 | "${name}"_*.zip:linux_arm64 | "${name}"_*.zip:darwin_amd64 | \
    "${name}"_*.zip:darwin_arm64 | "${name}"_*.zip:windows_amd64 | "${name}"_*.zip:windows_arm64) ;;
    *) wrong "$file is not named ${name}_OS_ARCH.zip" ;;
  esac
  program="terraform-provider-sapcalm_v$version"
  case "$platform" in windows_*) program="$program.exe" ;; esac
  unzip -Z1 "$file" 2>/dev/null | grep -Fqx "$program" || wrong "$file has no $program in it"
done
[ "$archives" -gt 0 ] || wrong "there is no archive"

# ---- The manifest, under the name of the release.
manifest="${name}_manifest.json"
if [ ! -e "$manifest" ]; then
  wrong "$manifest is missing: the Registry would take protocol 5.0 for it"
elif ! jq -e '.version == 1 and (.metadata.protocol_versions | type == "array" and length > 0
    and all(test("^[0-9]+\\.[0-9]+$")))' "$manifest" >/dev/null 2>&1; then
  wrong "$manifest has no version 1 with metadata.protocol_versions"
fi

# ---- The sums: of every archive and of the manifest, and of nothing else.
if [ ! -e "$sums" ]; then
  wrong "$sums is missing"
else
  { ls -- *.zip 2>/dev/null; [ ! -e "$manifest" ] || echo "$manifest"; } | sort > "$scratch/expected"
  sed -n 's/^[0-9a-f]\{64\}  //p' "$sums" | sort > "$scratch/summed"
  while IFS= read -r file; do
    [ -z "$file" ] || wrong "$file is in $sums: only archives and the manifest may be"
  done <<FILES
$(comm -13 "$scratch/expected" "$scratch/summed")
FILES
  while IFS= read -r file; do
    [ -z "$file" ] || wrong "$file is not in $sums"
  done <<FILES
$(comm -23 "$scratch/expected" "$scratch/summed")
FILES
  [ "$(wc -l < "$scratch/summed")" -eq "$(wc -l < "$sums")" ] || wrong "$sums has lines that are no sums"
  if command -v sha256sum >/dev/null; then check="sha256sum -c"; else check="shasum -a 256 -c"; fi
  $check "$sums" >"$scratch/checked" 2>&1 || wrong "$sums: $(grep -v ': OK$' "$scratch/checked" | head -n 1)"
fi

# ---- The signature: detached, binary, by this key, which is RSA or DSA.
export GNUPGHOME="$scratch"
gpg --batch --quiet --import "$key" 2>/dev/null || wrong "$3 is no key"
kind=$(gpg --batch --with-colons --list-keys 2>/dev/null | awk -F: '$1 == "pub" { print $4; exit }')
case "$kind" in
  1 | 17) ;;
  *) wrong "the key is of kind ${kind:-none}: the Registry takes RSA (1) and DSA (17)" ;;
esac
if [ ! -e "$sums.sig" ]; then
  wrong "$sums.sig is missing"
elif head -c 11 "$sums.sig" | grep -q '^-----BEGIN'; then
  wrong "$sums.sig is text, and has to be binary"
elif ! gpg --batch --quiet --verify "$sums.sig" "$sums" 2>/dev/null; then
  wrong "$sums.sig is no signature of $sums by this key"
fi

[ "$broken" = 0 ] || { echo "The Registry would not take this folder." >&2; exit 1; }
echo "The Registry's rules hold: $archives archives, manifest, sums and signature."
