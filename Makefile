# `make` lists the targets. Nothing needs root, and nothing is installed outside this folder.
.DEFAULT_GOAL := help
SHELL := /bin/sh
.NOTPARALLEL:

# The first that runs and is new enough; PYTHON=/path/to/python chooses another.
ifndef PYTHON
PYTHON := $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
endif
BIN := .venv/bin
# Compiled once and kept beside the source, else every process compiles two thousand modules when it starts.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## Show the targets
	@sed -n 's/^\([a-zA-Z%-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "  make %-12s %s\n", $$1, $$2}'

.PHONY: setup
setup: ## Make .venv from the lock and fetch the private servers
	@test -n "$(PYTHON)" || { \
	  echo "Headwater needs Python 3.11 or newer, and none was found on the path." >&2; \
	  echo "Install one (Debian 12 and Ubuntu 24.04 have it: apt-get install python3), or name it:" >&2; \
	  echo "  make setup PYTHON=/path/to/python3.13" >&2; exit 1; }
	@PYTHONDONTWRITEBYTECODE=1 $(PYTHON) -m jobs.stack.bootstrap

.PHONY: browser
browser: setup
	@$(BIN)/python -m jobs.stack.browser

.PHONY: demo
demo: setup ## Run a utility in miniature on real data, with everything on
	@$(BIN)/headwater demo

.PHONY: test
test: setup browser ## Run the tests on the real database, the real broker and a real browser
	@$(BIN)/python -m pytest -n 3 --dist worksteal

.PHONY: check
check: setup ## Format, lint, types, import direction, migrations, docs
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@files=$$(find sql/migrations -name '*.sql' 2>/dev/null | sort); \
	  if [ -n "$$files" ]; then $(BIN)/squawk $$files; fi
	@if [ -d tests/docs ]; then $(BIN)/python -m pytest -q tests/docs; fi

.PHONY: screenshots
screenshots: setup browser ## Take pictures of every page of the last demo, into .local/screenshots
	@$(BIN)/python -m tests.web.screenshots

.PHONY: docs
docs: setup ## Write the pages that follow from the code
	@$(BIN)/python -m jobs.docs

.PHONY: bench
bench: setup ## Run every measurement; one JSON object a line
	@$(BIN)/python -m bench

bench-%: setup ## Run one measurement; DATA=DIR: labelled datasets; SIZE=0.1: a tenth of the town of bench-api
	@$(BIN)/python -m bench $* $(if $(DATA),--data $(DATA)) $(if $(SIZE),--size $(SIZE))

.PHONY: lock
lock: setup ## Resolve the dependencies anew into the lock files
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
	  pyproject.toml -o requirements.txt
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
	  --extra dev pyproject.toml -o requirements-dev.txt
	@printf 'openapi-python-client>=0.29\nschemathesis>=4.32\n' | $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url - -o tests/api/requirements-client.txt

.PHONY: clean
clean: ## Stop the private servers; remove .venv, .local and the caches
	@if [ -x $(BIN)/headwater ]; then $(BIN)/headwater stack reset --yes; fi
	@if [ -L .local/stack ]; then rm -rf "$$(readlink .local/stack)"; fi
	@find . -name __pycache__ -prune -exec rm -rf {} +
	@rm -rf .venv .local .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
