# Every target makes the virtual environment it needs. `make help` lists them.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= 2
# Compile bytecode while installing, so that the first start is not the slow one.
UV := UV_LINK_MODE=copy $(BIN)/uv pip

.PHONY: help install demo test check prove bench lock clean

help:  ## this list
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/.runtime  ## the virtual environment with everything needed to run

demo: $(VENV)/.runtime  ## fifty won deals become orders, against the local sandbox
	$(BIN)/ml-connector demo --pair acumatica --deals 50

test: $(VENV)/.dev  ## all tests, in parallel, against the embedded database and the simulators
	$(BIN)/pytest -n $(JOBS) --dist worksteal -m "not prove" $(ARGS)

check: $(VENV)/.dev  ## format, lint, types, import rules, the shape of every folder
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q tests/architecture

prove: $(VENV)/.dev  ## the long tests: every crash, every simulator switch, Acumatica in both versions
	$(BIN)/pytest -n $(JOBS) --dist worksteal -m prove $(ARGS)
	set -e; for version in 23.200.001 24.200.001; do \
		$(BIN)/pytest -n $(JOBS) -m "not prove" --endpoint-version $$version tests/scenarios/acumatica_pipedrive $(ARGS); \
	done

bench: $(VENV)/.dev  ## the figures of docs/measures.md, as ratios taken in one run
	$(BIN)/python -m benchmarks $(ARGS)

lock: $(VENV)/.dev  ## resolve the dependencies again
	$(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --python-version 3.11 --universal --no-header --no-annotate requirements-installer.in --output-file requirements-installer.lock
	$(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --python-version 3.11 --universal --no-header pyproject.toml --output-file requirements.lock
	$(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --python-version 3.11 --universal --no-header --group dev pyproject.toml --output-file requirements-dev.lock

clean:  ## remove the virtual environment and every cache
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/.pip: requirements-installer.lock
	$(PYTHON) -c 'import sys; sys.exit("ml-connector needs Python 3.11 or newer; this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-installer.lock
	@touch $@

# One stamp per set: the development set holds the runtime set, so the order of targets does not matter.
$(VENV)/.runtime: $(VENV)/.pip requirements.lock pyproject.toml
	@test -f $(VENV)/.dev || $(UV) install --quiet --compile-bytecode --require-hashes --requirement requirements.lock
	$(UV) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.pip requirements-dev.lock pyproject.toml
	$(UV) install --quiet --compile-bytecode --require-hashes --requirement requirements-dev.lock
	$(UV) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/.runtime
