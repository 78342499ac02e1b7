#!/bin/sh
# Installs the archive of this machine from a release's folder as people do, by
# `terraform init` from a mirror, and starts the provider in it:
#
#   sh release/try.sh FOLDER
set -eu
cd "$(dirname "$0")/.."

if [ $# -ne 1 ]; then
  echo "usage: sh release/try.sh FOLDER" >&2
  exit 2
fi
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
platform=$(sh release/platform.sh | tr ' ' _)
archive="$1/terraform-provider-sapcalm_${version}_$platform.zip"
cli=$(sh tools/cli.sh)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT INT TERM

for host in registry.terraform.io registry.opentofu.org; do
  mkdir -p "$scratch/mirror/$host/sapcalm/sapcalm"
  cp "$archive" "$scratch/mirror/$host/sapcalm/sapcalm"
done
cat > "$scratch/cli.tfrc" <<CONFIGURATION
provider_installation {
  filesystem_mirror {
    path = "$scratch/mirror"
  }
}
CONFIGURATION
cat > "$scratch/main.tf" <<CONFIGURATION
terraform {
  required_providers {
    sapcalm = {
      source  = "sapcalm/sapcalm"
      version = "$version"
    }
  }
}
CONFIGURATION
export TF_CLI_CONFIG_FILE="$scratch/cli.tfrc" CHECKPOINT_DISABLE=1
"$cli" -chdir="$scratch" init -input=false
"$cli" -chdir="$scratch" providers schema -json | grep -q '"sapcalm_registration"'
echo "$archive was installed and started."
