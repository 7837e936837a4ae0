# `make help` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 20

.PHONY: demo
demo: setup ## Snowglobe and a real NiFi with the flow running: customers arrive in the target and the history, live
	@$(MAKE) --no-print-directory nifi-ahead & $(MAKE) --no-print-directory build && wait $$! && $(MAKE) --no-print-directory nifi
	JAVA_HOME="$$(scripts/find-jdk.sh)" $(or $(CARGO_TARGET_DIR),target)/release/firn canvas

.PHONY: build
build: setup ## the commands firn and snowglobe, in target/release, and the native library
	scripts/build.sh release

.PHONY: test
test: NATIVE_PROFILE = dev
test: test-prerequisites setup lint test-rust test-nifi test-notebooks test-drivers test-ec2 test-docker ## every test

.PHONY: setup
setup: # what every build needs: the tools, named if one is missing, and DuckDB's library
	@scripts/check-prerequisites.sh
	@scripts/fetch-duckdb.sh

.PHONY: lint
lint: setup ## format and lints
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

.PHONY: test-rust
test-rust: setup target/sqlglot-venv/ready
	cargo test --workspace --locked

.PHONY: test-ec2
test-ec2: target/ec2-venv/ready ## the template for AWS: linted, then run against moto
	target/ec2-venv/bin/pytest -q -p no:cacheprovider tests/ec2

.PHONY: build-notebooks
build-notebooks: setup # what the notebooks call
	scripts/build.sh dev

.PHONY: notebooks
notebooks: build-notebooks target/notebooks-venv/ready ## JupyterLab with the notebooks, on this machine
	target/notebooks-venv/bin/jupyter lab notebooks

.PHONY: test-notebooks
test-notebooks: build-notebooks target/notebooks-venv/ready ## every notebook run, kept in target/notebooks and checked
	target/notebooks-venv/bin/ruff check notebooks tests/notebooks tests/drivers
	target/notebooks-venv/bin/ruff format --check notebooks tests/notebooks tests/drivers
	target/notebooks-venv/bin/python tests/notebooks/run.py

target/notebooks-venv/ready: notebooks/requirements.txt notebooks/constraints.txt tests/notebooks/requirements.txt
	python3 -m venv target/notebooks-venv
	target/notebooks-venv/bin/pip install --quiet --requirement notebooks/requirements.txt --requirement tests/notebooks/requirements.txt --constraint notebooks/constraints.txt
	touch $@

CONNECTORS = 4.8.1 5.2.0

.PHONY: test-drivers
test-drivers: setup $(CONNECTORS:%=target/connector-%/ready) tests/drivers/node/node_modules/ready ## the official drivers against Snowglobe: Python, JDBC, Node
	scripts/build.sh dev
	$(foreach version,$(CONNECTORS),target/connector-$(version)/bin/python -W ignore tests/drivers/python/test_connector.py &&) true
	python3 tests/drivers/snowglobe_server.py node --test tests/drivers/node
	JAVA_HOME="$$(scripts/find-jdk.sh)" python3 tests/drivers/snowglobe_server.py \
		mvn --quiet --batch-mode --no-transfer-progress --file tests/drivers/jdbc/pom.xml test

target/connector-%/ready:
	python3 -m venv target/connector-$*
	target/connector-$*/bin/pip install --quiet 'snowflake-connector-python[pandas]==$*'
	touch $@

tests/drivers/node/node_modules/ready: tests/drivers/node/package.json
	cd tests/drivers/node && npm install --silent --no-audit --no-fund --no-package-lock
	touch $@

# What tests/tests/sqlglot.rs runs.
target/sqlglot-venv/ready: tests/sqlglot/requirements.txt
	python3 -m venv target/sqlglot-venv
	target/sqlglot-venv/bin/pip install --quiet --requirement $<
	touch $@

FUZZ_SECONDS ?= 60
FUZZ = $(abspath target/fuzz)

.PHONY: fuzz
fuzz: setup target/cargo-fuzz/bin/cargo-fuzz ## what strangers send to Snowglobe, guided by coverage: SQL, files, sockets, FUZZ_SECONDS each
	cd rust/snowglobe/fuzz && export PATH="$(abspath target/cargo-fuzz/bin):$$PATH" DUCKDB_LIB_DIR="$(abspath target/duckdb)" LD_LIBRARY_PATH="$(abspath target/duckdb)" && \
	for edge in sql csv http; do \
		mkdir -p "$(FUZZ)/found/$$edge" && \
		cargo fuzz run --dev --sanitizer none --target-dir "$(FUZZ)" $$edge "$(FUZZ)/found/$$edge" corpus/$$edge -- \
			-max_total_time=$(FUZZ_SECONDS) -timeout=60 -max_len=4096 -print_final_stats=1 || exit 1; \
	done

target/cargo-fuzz/bin/cargo-fuzz:
	cargo install --quiet --locked --root target/cargo-fuzz cargo-fuzz

.PHONY: test-prerequisites
test-prerequisites: # told at the start, and not after half an hour
	@scripts/check-prerequisites.sh test

.PHONY: test-docker
test-docker: NATIVE_PROFILE = dev
test-docker: nifi ## docker/compose.yaml for real: images, start, rows, a kill in the middle, down. Docker, or as root podman
	tests/docker/run.sh

target/ec2-venv/ready: tests/ec2/requirements.txt
	python3 -m venv target/ec2-venv
	target/ec2-venv/bin/pip install --quiet --requirement $<
	touch $@

.PHONY: bench-generate
# Without link-time optimisation the peer `fake` is slowed far more than the generator: its ratio would flatter us.
bench-generate: export CARGO_PROFILE_RELEASE_LTO = thin
bench-generate: ## the generator beside its peers, into the README's table
	-$(MAKE) --keep-going bench-peers
	cargo run --release --locked -p firn-bench -- generate --write-readme

.PHONY: bench-read
bench-read: ## the CSV reader beside others, into the README's table
	-$(MAKE) target/bench-datafaker/ready
	cargo run --release --locked -p firn-bench -- read --write-readme

.PHONY: bench-merge
bench-merge: setup ## from file to history beside the tutorials' way, and against long histories, into the README's tables
	cargo run --release --locked -p firn-bench -- merge --write-readme
	cargo run --release --locked -p firn-bench -- history --write-readme

.PHONY: bench-latency
bench-latency: build ## from the rename of a file to its rows in the target, into the README's table
	cargo run --release --locked -p firn-bench -- latency --write-readme

.PHONY: bench-large
bench-large: build ## one file of 10 GB into target and history: how long, and in how much memory
	cargo run --release --locked -p firn-bench -- large

.PHONY: bench-snowglobe
bench-snowglobe: setup ## Snowglobe beside plain DuckDB, into its README's tables
	cargo run --release --locked -p firn-bench -- snowglobe --write-readme

.PHONY: bench-nifi
bench-nifi: build nifi ## the processors beside NiFi's own, in the real NiFi, into the tables of nifi-bundle/README.md
	JAVA_HOME="$$(scripts/find-jdk.sh)" cargo run --release --locked -p firn-bench -- nifi --write-readme

.PHONY: bench-peers
bench-peers: target/bench-venv/ready target/bench-datafaker/ready ## the peers in Python and Java that bench-generate runs

target/bench-venv/ready: bench/peers/requirements.txt
	python3 -m venv target/bench-venv
	target/bench-venv/bin/pip install --quiet --requirement $<
	touch $@

target/bench-datafaker/ready: bench/peers/datafaker/pom.xml $(wildcard bench/peers/datafaker/src/main/java/firn/bench/*.java)
	mvn --quiet --batch-mode --file $< package
	touch $@

MVN = cd nifi-bundle && JAVA_HOME="$$(../scripts/find-jdk.sh)" mvn --quiet --batch-mode --no-transfer-progress

.PHONY: native
native: setup # the native library, where the NAR's build looks for it
	scripts/build.sh $(NATIVE_PROFILE)
	@ls nifi-bundle/nifi-firn-nar/target/native/libfirn-*.so >/dev/null
	scripts/native-licenses.sh nifi-bundle/nifi-firn-nar/target/licenses

# The tests say dev, which is built much faster.
NATIVE_PROFILE ?= release

.PHONY: nar
nar: native ## the NAR for NiFi, with the native library of this machine
	$(MVN) package -DskipTests -pl nifi-firn-nar -am
	@ls -l nifi-bundle/nifi-firn-nar/target/*.nar

.PHONY: nifi-ahead
nifi-ahead: setup # what comes from Maven Central, while cargo compiles
	$(MVN) package -DskipTests

.PHONY: nifi
nifi: native ## a real NiFi with the NAR, in nifi-bundle/nifi-firn-host/target/nifi
	$(MVN) package -DskipTests

IT_FLAGS = -DskipITs=false -Dfirn.binaries="$(abspath $(or $(CARGO_TARGET_DIR),target))/debug"

.PHONY: test-nifi
test-nifi: NATIVE_PROFILE = dev
test-nifi: native tests/canvas/node_modules/ready ## the processors in NiFi's harness, then in the real NiFi and on its canvas, with Snowglobe
	$(MVN) verify $(IT_FLAGS)

.PHONY: test-canvas
test-canvas: NATIVE_PROFILE = dev
test-canvas: native tests/canvas/node_modules/ready ## only the canvas, in headless Chromium; screenshots in target/canvas
	$(MVN) verify $(IT_FLAGS) -Dtest=none -Dsurefire.failIfNoSpecifiedTests=false -Dit.test=CanvasIT -Dfailsafe.failIfNoSpecifiedTests=false

tests/canvas/node_modules/ready: tests/canvas/package.json
	cd tests/canvas && npm install --silent --no-audit --no-fund --no-package-lock
	touch $@

.PHONY: check-nifi-api
check-nifi-api: ## the processors compile against the oldest and the newest API of NiFi 2.x
	$(MVN) clean test-compile -pl nifi-firn-processors -Dnifi.api.version=2.8.0
	$(MVN) clean test-compile -pl nifi-firn-processors
