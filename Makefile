# The commands of this repository. `make` alone lists them.

CARGO ?= cargo
# The addresses under which Terraform and OpenTofu know the provider, and its version.
ADDRESSES := registry.terraform.io/sapcalm/sapcalm registry.opentofu.org/sapcalm/sapcalm
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
PLUGINS := $(HOME)/.terraform.d/plugins

# `make demo TF_CLI=/path/to/tofu` picks the CLI, `NO_DOWNLOAD=1` fetches none.
export TF_CLI NO_DOWNLOAD

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: prerequisites ## Apply, drift, repair and destroy against the SAP emulator
	@cli=$$(sh tools/cli.sh) && set -x && \
	$(CARGO) build --locked --workspace --bin terraform-provider-sapcalm --bin demo && \
	TF_CLI="$$cli" "$${CARGO_TARGET_DIR:-target}/debug/demo"

.PHONY: test
test: prerequisites ## Build everything and run all tests
	@CARGO="$(CARGO)" sh tests/run.sh

.PHONY: chaos
chaos: prerequisites ## Run every request of a whole life into every fault and every kill
	@CARGO="$(CARGO)" sh tests/chaos.sh

# Lives for each resource.
LIVES ?= 100

.PHONY: lives
lives: prerequisites ## Try random configurations with new seeds (LIVES)
	@GENERATED_LIVES=$(LIVES) sh tests/run.sh --test it generated_lives

.PHONY: clients
clients: prerequisites ## Run the tests of the CLI with every Terraform that can be had (TF_CLIS)
	@CARGO="$(CARGO)" sh tests/clients.sh

.PHONY: sap-clients
sap-clients: prerequisites ## Let the clients that SAP wrote read what Terraform made, Java's too
	@sh tests/sap_clients.sh java
	@CARGO="$(CARGO)" sh tests/run.sh --test it sap_clients

.PHONY: specification
specification: prerequisites ## Hold SAP's specification against the emulator and the provider
	@CARGO="$(CARGO)" sh tests/specification.sh

.PHONY: bench
bench: prerequisites ## Measure everything and print the figures (PEER_PROVIDER, BENCH_SIZES)
	@$(CARGO) bench --locked --quiet --profile dev --bench figures

.PHONY: lint
lint: prerequisites ## Formatting, clippy, links in the code's docs, the generated code, the rules for dependencies
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets --features protocol/generate -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --quiet --workspace --no-deps --document-private-items
	$(CARGO) test --locked --quiet --workspace --features protocol/generate --bin protocol
	@if $(CARGO) deny --version >/dev/null 2>&1; then \
		$(CARGO) deny --locked check bans licenses sources; \
	else \
		echo "cargo-deny is missing, so the dependencies were not checked. Install it: cargo install cargo-deny --locked" >&2; \
		test "$$CI" != true; \
	fi

.PHONY: docs
docs: prerequisites ## Write the documentation into docs/ from schema, examples and templates
	$(CARGO) build --locked --quiet --workspace --exclude bench --bin documentation
	@"$${CARGO_TARGET_DIR:-target}/debug/documentation"

.PHONY: protocol
protocol: prerequisites ## Write the Rust code of the wire interface from proto/
	$(CARGO) run --locked --quiet --workspace --features protocol/generate --bin protocol

.PHONY: licences
licences: prerequisites ## Write THIRD_PARTY_LICENSES, which goes into the archive, anew
	@CARGO="$(CARGO)" sh release/licences.sh > THIRD_PARTY_LICENSES

.PHONY: audit
audit: prerequisites ## The rules for dependencies and the known vulnerabilities (network)
	@$(CARGO) deny --version >/dev/null 2>&1 || { echo "cargo-deny is missing. Install it: cargo install cargo-deny --locked" >&2; exit 1; }
	$(CARGO) deny --locked check advisories bans licenses sources

# Seconds for each target.
FUZZ_TIME ?= 60

.PHONY: fuzz
fuzz: prerequisites ## Fuzz everything that reads bytes from outside (needs nightly Rust)
	@$(CARGO) fuzz --version >/dev/null 2>&1 || { echo "cargo-fuzz is missing. Install it: cargo install cargo-fuzz --locked" >&2; exit 1; }
	@set -e; for target in $$(ls fuzz/fuzz_targets | sed 's/\.rs$$//'); do \
		$(CARGO) +nightly fuzz run --fuzz-dir fuzz "$$target" -- -max_total_time=$(FUZZ_TIME) -rss_limit_mb=512 -timeout=5 -max_len=65536; \
	done

.PHONY: mutants
mutants: prerequisites ## Break each promise on purpose; a test has to notice (takes long)
	@CARGO="$(CARGO)" MUTANT="$(MUTANT)" sh tests/mutants.sh

.PHONY: install
install: prerequisites ## Install a release build where Terraform and OpenTofu find it without a registry
	@set -e; \
	binary=$$(CARGO="$(CARGO)" sh release/build.sh); \
	platform=$$(sh release/platform.sh | tr ' ' _); \
	for address in $(ADDRESSES); do \
		dir="$(PLUGINS)/$$address/$(VERSION)/$$platform"; \
		mkdir -p "$$dir"; \
		cp "$$binary" "$$dir/terraform-provider-sapcalm_v$(VERSION)"; \
		echo "Installed $$dir/terraform-provider-sapcalm_v$(VERSION)"; \
	done; \
	echo "Use it with: source = \"sapcalm/sapcalm\", version = \"$(VERSION)\""; \
	echo "After another 'make install' of the same version, remove .terraform.lock.hcl where you use it."

.PHONY: release-check
release-check: ## Check dist/ by the rules of the Registry, signed with a throw-away key
	@sh release/rehearse.sh

.PHONY: dist
dist: prerequisites ## Build the release archive of this machine, with SBOM and checksums
	@CARGO="$(CARGO)" sh release/dist.sh

.PHONY: dist-emulator
dist-emulator: prerequisites ## Build the emulator for people without Rust, with sums of its own
	@CARGO="$(CARGO)" sh release/dist-emulator.sh

.PHONY: prerequisites
prerequisites:
	@command -v $(firstword $(CARGO)) >/dev/null 2>&1 || { \
		echo "Rust is missing. Get it from https://rustup.rs (the toolchain itself is pinned in rust-toolchain.toml)." >&2; exit 1; }
	@command -v $${CC:-cc} >/dev/null 2>&1 || { \
		echo "A C compiler is missing (the TLS library needs one). Debian: apt-get install gcc libc6-dev. macOS: xcode-select --install." >&2; exit 1; }
