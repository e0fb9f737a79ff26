# Every target is one line that calls a tool. The tool chain itself: platform/groundplan/tools, docs/toolchain.md.
PYTHON ?= python3
STACK ?= local
GP = .venv/bin/groundplan
PYTEST = .venv/bin/python -m pytest

.PHONY: up preview down check test test-all test-unit test-runtime test-browser test-kubernetes test-real-node test-aws test-environments bench bench-serving bench-impact format help load-pair

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

.venv/deploy: pyproject.toml uv.lock
	$(PYTHON) -m venv .venv && .venv/bin/python -m pip install --quiet "uv>=0.9,<1" && .venv/bin/uv sync --frozen --no-dev --inexact --quiet && touch $@

.venv/develop: .venv/deploy
	.venv/bin/uv sync --frozen --all-groups --extra local --extra runtime --extra kubernetes --extra aws --inexact --quiet && touch $@

up: .venv/deploy ## Everything, from nothing to a prediction
	$(GP) up $(STACK)

preview: .venv/deploy ## What `up` would change
	$(GP) preview $(STACK)

down: .venv/deploy ## Stop everything, keep the data; PURGE=1 removes it
	$(GP) down $(STACK) --yes $(if $(PURGE),--purge)

check: .venv/develop ## Format, lint, types, import rules, docstrings, docs, schema
	.venv/bin/python -m tests.support.checks

# In the order given, so that a worker starts a folder's servers once; the long files first, so that both end together.
test: test-unit ## Unit, components, runtime and lifecycle
	$(PYTEST) tests/lifecycle tests/runtime -n 2 --dist loadfile --no-loadscope-reorder

test-unit: .venv/develop ## The quick tier
	$(PYTEST) tests/unit tests/components -n 2 --dist loadfile

test-all: test test-browser test-kubernetes test-aws test-environments ## Also end to end, crashes, load, Kubernetes, AWS
	$(PYTEST) tests/e2e tests/crash && $(PYTEST) tests/load

test-browser: .venv/develop ## The catalogue in a real browser
	$(PYTEST) tests/browser

test-kubernetes: .venv/develop ## Kubernetes without Docker: a real control plane; simulated nodes, then a real one
	.venv/bin/python -m tests.support.kube.programs --node && $(PYTEST) tests/kubernetes

test-real-node: .venv/develop ## Of these, the real node's alone: the platform in real pods
	.venv/bin/python -m tests.support.kube.programs --node && $(PYTEST) tests/kubernetes/test_real_node.py tests/kubernetes/test_real_platform.py

test-aws: .venv/develop ## AWS without an account: the real provider judges, an emulator lives it, checkov
	$(PYTEST) tests/aws

test-environments: .venv/develop ## dev → staging on this machine: two whole stacks, one pair
	$(PYTEST) tests/environments

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
