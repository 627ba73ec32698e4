# What people, tests and CI rely on. Everything runs from .venv; nothing is installed outside it.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.complete

# What only `vigil backtest` uses, and what that needs in turn: two thirds of an image that does not run it.
NOT_IN_IMAGE := scipy matplotlib contourpy cycler fonttools kiwisolver pillow pyparsing

# A Python this works with: 3.11 or later, able to make virtual environments. PYTHON=… overrides it.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)

.PHONY: help setup demo test lint check coverage format bench soak constraints clean

help: ## Say what there is.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## Make .venv with everything pinned by hash; does nothing when it is up to date.

# What is pinned is installed again only when it changes, so that an edit of pyproject.toml costs two seconds.
$(VENV)/.pinned: constraints.txt
	@test -n "$(PYTHON)" || { echo "no Python 3.11 or later with venv found; install one, or name it: make setup PYTHON=…" >&2; exit 1; }
	@$(BIN)/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r constraints.txt
	@touch $@

$(STAMP): pyproject.toml $(VENV)/.pinned
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: setup ## A simulated city on an embedded broker, in this terminal.
	@$(BIN)/vigil demo

test: setup ## Every test; those on a real Kafka too, where one can be had.
	$(BIN)/pytest -n 2

lint: setup ## Format, lint, types, import rule.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint ## All of lint, and the unit tests; under two minutes.
	$(BIN)/pytest -n 2 -m "not kafka and not slow"

coverage: setup ## Every branch of the core and the schemas must be run by a unit test.
	$(BIN)/pytest -n 2 -m "not kafka and not slow" --cov=streams.core --cov=schemas --cov-branch \
		--cov-report=term-missing:skip-covered --cov-fail-under=100

format: setup ## Format and mend what can be mended by itself.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup ## Benchmarks on a Kafka of their own, minutes: CASES=intake,plain RUNS=3 EVENTS=200000 choose.
	$(BIN)/python -m bench --cases "$(CASES)" --runs "$(or $(RUNS),3)" --events "$(or $(EVENTS),200000)"

soak: setup ## Long fault schedules: random worlds in memory, then faults on a real Kafka.
	VIGIL_WORLDS=300 $(BIN)/pytest -n 2 --timeout 3600 tests/test_exactness.py tests/test_kpi_exactness.py tests/test_counting_versions.py
	VIGIL_SOAK_SEEDS=10 $(BIN)/pytest --timeout 3600 tests/shell/test_faults.py

constraints: setup ## Pin every dependency of pyproject.toml anew, with hashes.
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --all-extras --generate-hashes \
		--no-header --annotation-style line --output-file constraints.txt pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--constraint constraints.txt $(addprefix --no-emit-package ,$(NOT_IN_IMAGE)) \
		--output-file deploy/constraints-runtime.txt pyproject.toml
	grep -oE 'setuptools==[0-9.]+' pyproject.toml | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
		--generate-hashes --no-header --no-annotate --output-file deploy/constraints-build.txt -

clean: ## Take away .venv and every cache.
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage htmlcov
	find streams schemas tests bench -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
