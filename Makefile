# Every command of the project. `make` alone lists them.

SHELL := /bin/sh
UV_VERSION := 0.13.8
UV := .tools/bin/uv
BIN := .venv/bin
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v $$p && break; done)
PACKAGES := hub conformance connectors exchange_db auth protos/generate.py bench tests
ROUNDS ?= 500
ARGS ?=
T ?= tests
PROCESSES ?= 4

export UV_PYTHON_DOWNLOADS := never
export GRPC_ENABLE_FORK_SUPPORT := false
# Thousands of programs are started by the tests: each would compile two thousand modules anew, four seconds of it.
unexport PYTHONDONTWRITEBYTECODE
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help setup demo test check audit fmt protos release-contract docs bench bundle run faults conformance-kit

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.synced ## Make .venv with everything needed; wants nothing but Python 3.11 or later

$(UV):
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed. Install it, or name it: make setup PYTHON=..."; exit 1; }
	@$(PYTHON) -m venv .tools >/dev/null 2>&1 || { rm -rf .tools; \
		echo "$(PYTHON) cannot make a virtual environment. On Debian: apt-get install python3-venv"; exit 1; }
	@.tools/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

.venv/.synced: pyproject.toml uv.lock | $(UV)
	@$(UV) sync --frozen --quiet --compile-bytecode --python $(PYTHON)
	@touch $@

demo: setup ## Run the federation in small; ARGS="--once --json demo.json" for scripts
	@tests/support/install_debian.sh mariadb-server
	@$(BIN)/sanji demo $(ARGS)

test: check ## Run all checks and all tests; T=tests/unit for a part, PROCESSES=0 for one after another
	@tests/support/install_debian.sh
	@tests/support/install_peers.sh
	@$(UV) sync --frozen --quiet --inexact --compile-bytecode --group spark
	@$(BIN)/pytest $(T) -n $(PROCESSES) --dist loadfile $(ARGS)

check: setup ## Check style, types, imports, contracts, generated code and spelling
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy $(PACKAGES)
	$(BIN)/lint-imports
	$(BIN)/buf lint
	$(BIN)/buf breaking --against protos/released.binpb
	$(BIN)/python -m protos.generate --check
	$(BIN)/codespell
	@tests/support/audit_packages.sh

audit: setup ## Compare what is locked with known vulnerabilities; part of `make check`
	@tests/support/audit_packages.sh

fmt: setup ## Format the code and mend what can be mended by itself
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

protos: setup ## Write the Python code of the contracts anew
	@$(BIN)/python -m protos.generate

release-contract: setup ## Make the contracts as they are the ones that may not be broken from now on
	@$(BIN)/buf build -o protos/released.binpb

docs: setup ## Draw docs/errors.md, docs/metrics.md, docs/settings.md, docs/security/rights.md and docs/sql anew
	@$(BIN)/python -m exchange_db.reasons > docs/errors.md
	@$(BIN)/python -m hub.settings > docs/settings.md
	@$(BIN)/python -m hub.doors > docs/security/rights.md
	@$(BIN)/python -m hub.statistics.metric_page > docs/metrics.md
	@$(BIN)/python -m exchange_db.intermediate.scripts docs/sql

conformance-kit: setup ## Ship the contract, its pages and sample messages as dist/conformance and a zip
	@rm -rf dist/conformance && $(BIN)/sanji conformance kit --out dist/conformance --zip

bundle: setup ## Make dist/sanji-VERSION-offline.tar.gz, which installs a hub without a network
	@deploy/make_bundle.sh

bench: setup ## Measure; each measurement prints its ratio to a limit taken in the same run
	@$(BIN)/python -m bench $(ARGS)

run: setup ## Run a hub; ARGS="--config sanji.toml"
	@$(BIN)/sanji serve $(ARGS)

faults: setup ## Kill, cut and fill things up for many rounds; ROUNDS=500
	@SANJI_FAULT_ROUNDS=$(ROUNDS) $(BIN)/pytest tests/faults --timeout=0 $(ARGS)
