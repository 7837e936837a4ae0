# `make help` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 20

.PHONY: test
test: lint test-rust ## every test

.PHONY: lint
lint: ## format and lints
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

.PHONY: test-rust
test-rust:
	cargo test --workspace --locked

.PHONY: bench-generate
bench-generate: ## the generator beside its peers, into the README's table
	-$(MAKE) --keep-going bench-peers
	cargo run --release --locked -p firn-bench -- generate --write-readme

.PHONY: bench-peers
bench-peers: target/bench-venv/ready target/bench-datafaker/ready ## the peers in Python and Java that bench-generate runs

target/bench-venv/ready: bench/peers/requirements.txt
	python3 -m venv target/bench-venv
	target/bench-venv/bin/pip install --quiet --requirement $<
	touch $@

target/bench-datafaker/ready: bench/peers/datafaker/pom.xml $(wildcard bench/peers/datafaker/src/main/java/firn/bench/*.java)
	mvn --quiet --batch-mode --file $< package
	touch $@
