# make run    prepare .venv and run every pipeline of the default environment
# make test   prepare .venv and run every check and test
#
# Everything is written below this folder: .venv/ (libraries) and .pipeline/ (data and state).

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
BROWSER_STAMP := $(VENV)/.browser
# One more than two cores: a quarter of its time a test waits, for servers, clocks and disks.
WORKERS ?= 3
ARGS ?=

# The first Python on the PATH that is new enough and not too new; or say PYTHON=/path/to/python3.12.
IN_RANGE := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))
PYTHON ?= $(shell for python in python3 python3.11 python3.12 python3.13; do \
	$$python -c '$(IN_RANGE)' >/dev/null 2>&1 && { echo $$python; break; }; done)

# Compiled bytecode halves the start-up of every command; pip's cache would be in the home folder.
unexport PYTHONDONTWRITEBYTECODE PIP_NO_COMPILE PYTHONPATH PYTHONHOME
export PIP_NO_CACHE_DIR := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# pip asks rustc for its version, and where rustc is rustup's that writes in the home folder.
ifeq ($(wildcard $(HOME)/.rustup),)
export RUSTUP_HOME := $(CURDIR)/$(VENV)/rustup
endif

.PHONY: setup run test check-types check-sql check-imports check-style bytecode test-browser test-systemd test-faults bench bench-files bench-api picture constraints clean
.DEFAULT_GOAL := run

setup: $(STAMP)

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11, 3.12 or 3.13 was found; say PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c '$(IN_RANGE)' || { echo "make: $(PYTHON) is not Python 3.11, 3.12 or 3.13" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "make: $(PYTHON) cannot make virtual environments; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(STAMP): pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing into $(VENV)" >&2
	@.ci/install $(BIN)/python dev
	@$(BIN)/python -m compileall -q src
	@touch $@

# What drives the browser is 165 MB: only `make test-browser` wants it.
$(BROWSER_STAMP): $(STAMP)
	@.ci/install $(BIN)/python browser
	@touch $@

run: setup
	@$(BIN)/pipeline-cli run $(ARGS)

test: setup
	@$(MAKE) --no-print-directory --jobs=$(WORKERS) check-types check-sql bytecode check-imports check-style
	@$(BIN)/pytest -q -n $(WORKERS) --dist worksteal $(ARGS)

# What needs no test run, side by side; the longest first.
check-types: $(STAMP)
	@$(BIN)/mypy --no-error-summary

check-sql: $(STAMP)
	@$(BIN)/python tests/sql/lint.py   # SQLFluff

check-imports: $(STAMP)
	@report=$$($(BIN)/lint-imports --no-logo 2>&1) || { echo "$$report"; exit 1; }

check-style: $(STAMP)
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet

# The tests write none: without this each of their processes would compile dbt and SQLMesh for itself.
bytecode: $(STAMP)
	@$(BIN)/python -m tests.warm_imports

# Pages in headless Chromium, which root installs from Debian where it is missing. ARGS="--pictures /tmp" keeps pictures.
test-browser: $(BROWSER_STAMP)
	@chromium=$$(tests/browser/chromium.sh) && CHROMIUM=$$chromium $(BIN)/pytest -q -m browser tests/browser $(ARGS)

# What systemd says of the units that we export. Root installs Debian's systemd where there is none.
test-systemd: setup
	@command -v systemd-analyze >/dev/null || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq systemd; } >/dev/null 2>&1 || \
		{ echo "make: test-systemd needs systemd-analyze (Debian: apt-get install systemd)" >&2; exit 1; }
	@$(BIN)/pytest -q -m systemd tests/integration/scheduling $(ARGS)

# Failpoints, kills (PIPELINE_CLI_KILLS=21 in each of 24 cases), restarts, full disks; what `make test` leaves out: an hour.
test-faults: WORKERS = 2
test-faults: setup
	@$(BIN)/pytest -q -n $(WORKERS) --dist worksteal -m 'faults or thorough' $(ARGS)

bench: setup
	@$(BIN)/python -m compileall -q src benchmarks
	@$(BIN)/python benchmarks/bench.py $(ARGS)

# 5 million rows, sling and ingestr: half an hour and 10 GB of disk. ARGS="load-duckdb --rows 1000000 --no-peers" for less.
bench-files: setup
	@$(BIN)/python -m compileall -q src benchmarks
	@$(BIN)/python benchmarks/bench_files.py $(ARGS)

# 200,000 nested orders from an API on this machine, with dlt's rest_api beside: half an hour. ARGS="load-duckdb --no-peers" for less.
bench-api: setup
	@$(BIN)/python -m compileall -q src benchmarks
	@$(BIN)/python benchmarks/bench_api.py $(ARGS)

# docs/run.svg, from what the command really prints.
picture: setup
	@$(BIN)/python docs/draw_run.py

# After a change of the dependencies in pyproject.toml: install without constraints, then write down what came.
constraints:
	@$(BIN)/python -m pip install --quiet --upgrade -e '.[dev,browser]'
	@$(BIN)/python -m pip freeze --exclude-editable >constraints.txt

clean:
	@rm -rf .pipeline dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
