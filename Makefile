# Everything from a machine that has Python >= 3.11 and make. `make` alone lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
CONSOLE := src/millwright/web/console/index.html
CONSOLE_SOURCES := $(shell find console/src console/public console/build -type f 2>/dev/null) \
	$(wildcard console/*.html console/*.ts console/package.json)
ARGS ?=

.PHONY: help demo up test check bench console api lock docs screenshots wheel provision clean
help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "make %-10s %s\n", $$1, $$2}'

# Bytecode is written once, whatever the environment says: starting a node would otherwise compile everything each time.
COMPILE = $(BIN)/python -m compileall -q src

demo: $(CONSOLE) ## start a node with a demo plant that gets into trouble within a minute (ARGS="--speed 300")
	@$(COMPILE)
	@$(BIN)/millwright demo $(ARGS)

up: $(CONSOLE) ## start a node on ./millwright-data
	@$(COMPILE)
	@$(BIN)/millwright up $(ARGS)

test: $(CONSOLE) provision ## run every test (ARGS="tests/unit -k name" for some of them)
	@$(COMPILE)
	@$(BIN)/python tools/run_tests.py $(ARGS)

check: $(VENV)/.installed ## style, formatting, types, floors: quick, no test runs
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy --no-error-summary
	@mkdir -p .import_linter_cache; $(BIN)/lint-imports --no-logo > .import_linter_cache/report 2>&1 || { cat .import_linter_cache/report; exit 1; }
	@echo "check: all right"

bench: $(CONSOLE) ## every benchmark, one after another (ARGS="--help" for the list)
	@$(COMPILE)
	@$(BIN)/python -m bench $(ARGS)

console: $(CONSOLE) ## build the web console into the package

docs: $(VENV)/.installed ## build the documentation into site/
	@$(BIN)/python -m tools.make_docs $(ARGS)

screenshots: $(CONSOLE) ## take the pictures of the guides anew (ARGS="bacnet edge" for some of them)
	@$(BIN)/python -m tools.screenshots $(ARGS)

wheel: $(CONSOLE) ## build the wheel, console included, into dist/
	@rm -rf dist
	@$(BIN)/hatchling build -t wheel

api: console/node_modules/.installed ## write the API's description, and the console's types from it
	@$(BIN)/python -m tools.make_docs --pages
	@$(BIN)/python -c 'import json; from tools.reference.api_page import document; print(json.dumps(document(), indent=1, sort_keys=True))' \
		> console/openapi.json
	@export PATH="$$($(BIN)/python tools/node_path.py):$$PATH"; cd console && npm run --silent api

lock: $(VENV)/.uv ## pin every dependency anew into requirements.lock
	@$(UV) pip compile pyproject.toml --all-extras --group dev --group docs --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --quiet --upgrade -o requirements.lock
	@$(UV) pip compile tools/requirements-node.in --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --quiet --upgrade -o tools/requirements-node.lock

provision: $(VENV)/.installed ## install what some tests run against (mosquitto, PostgreSQL, Chromium), where possible
	@$(BIN)/python tools/provision_tests.py

clean: ## remove what was built, not the environment
	@rm -rf dist site build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache $(dir $(CONSOLE))

# --- what the targets stand on ---------------------------------------------------------------------------------

$(VENV)/.uv:
	@command -v $(PYTHON) > /dev/null || { echo "Python 3.11 or newer is needed: set PYTHON=…" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is %d.%d; set PYTHON=…" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(UV) || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@touch $@

$(VENV)/.installed: $(VENV)/.uv requirements.lock pyproject.toml
	@echo "installing dependencies into $(VENV)"
	@VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --require-hashes --compile-bytecode -r requirements.lock
	@VIRTUAL_ENV=$(VENV) MILLWRIGHT_CONSOLE=skip $(UV) pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(CONSOLE): $(VENV)/.installed console/node_modules/.installed $(CONSOLE_SOURCES)
	@echo "building the console"
	@export PATH="$$($(BIN)/python tools/node_path.py):$$PATH"; cd console && npm run --silent build > build.log 2>&1 \
		|| { cat build.log; exit 1; }
	@rm -f console/build.log; touch $@

console/node_modules/.installed: $(VENV)/.installed console/package.json console/package-lock.json
	@echo "installing the console's packages"
	@export PATH="$$($(BIN)/python tools/node_path.py):$$PATH"; cd console && npm ci --silent
	@touch $@
