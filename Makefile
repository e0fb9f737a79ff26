# Every target is one line that calls a tool. The tool chain itself: platform/groundplan/tools, docs/toolchain.md.
PYTHON ?= python3
STACK ?= local
GP = .venv/bin/groundplan
PYTEST = .venv/bin/python -m pytest

.PHONY: up preview down check test test-all test-unit test-runtime test-browser bench bench-serving bench-impact format help load-pair

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

.venv/deploy: pyproject.toml uv.lock
	$(PYTHON) -m venv .venv && .venv/bin/python -m pip install --quiet "uv>=0.9,<1" && .venv/bin/uv sync --frozen --no-dev --inexact --quiet && touch $@

.venv/develop: .venv/deploy
	.venv/bin/uv sync --frozen --all-groups --extra local --extra runtime --inexact --quiet && touch $@

up: .venv/deploy ## Everything, from nothing to a prediction
	$(GP) up $(STACK)

preview: .venv/deploy ## What `up` would change
	$(GP) preview $(STACK)

down: .venv/deploy ## Stop everything, keep the data; PURGE=1 removes it
	$(GP) down $(STACK) --yes $(if $(PURGE),--purge)

check: .venv/develop ## Format, lint, types, import rules, docstrings, docs, schema
	.venv/bin/python -m tests.support.checks

test: test-unit ## Unit, components, runtime and lifecycle
	$(PYTEST) tests/runtime tests/lifecycle

test-unit: .venv/develop ## The quick tier
	$(PYTEST) tests/unit tests/components -n 2

test-all: test ## Also end to end, crashes and load
	$(PYTEST) tests/e2e tests/crash && $(PYTEST) tests/load

test-browser: .venv/develop ## The catalogue in a real browser
	$(PYTEST) tests/browser

load-pair: .venv/develop ## Pairs never mix, under load and everything that goes wrong
	$(PYTEST) tests/load/test_pair.py

bench: .venv/develop ## Figures for the note
	.venv/bin/python -m benchmarks

bench-serving: .venv/develop ## Serving against its rivals (docs/benchmarks.md); QUICK=1 for one short round
	.venv/bin/python -m benchmarks.serving $(if $(QUICK),--quick)

bench-impact: .venv/develop ## "What breaks if I change this" with 1,000 models (docs/lineage.md)
	.venv/bin/python -m benchmarks.impact

format: .venv/develop ## Format and fix
	.venv/bin/ruff format . && .venv/bin/ruff check --fix .
