PYTHON ?=
VENV ?= .venv
export PYTHON VENV

RUNTIME := $(VENV)/.runtime
READY := $(VENV)/.ready

.PHONY: help setup demo test test-outside test-bare test-compiled check fix bench soak fuzz image clean
.DEFAULT_GOAL := help

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

setup: $(READY)  ## Make .venv with authproxy and its tools

$(READY): pyproject.toml constraints.txt
	@echo "Setting up $(VENV); this takes about a minute the first time."
	@scripts/setup
	@touch $(RUNTIME) $@

$(RUNTIME): pyproject.toml constraints.txt
	@echo "Setting up $(VENV) with what authproxy needs to run; this takes some ten seconds the first time."
	@scripts/setup runtime
	@touch $@

demo: $(RUNTIME)  ## Run authproxy against a pretend Google and a pretend Cloud Run; PORT=9000 for another port
	@trap : INT; $(VENV)/bin/authproxy demo || [ $$? -eq 130 ] # Ctrl-C is how it ends

test: $(READY)  ## Run the tests, but for those of the next line
	@scripts/test

test-outside: $(READY)  ## Run the tests that need browsers, clients and other programs
	@scripts/clients
	@scripts/test -m outside -n auto --dist loadfile

test-bare: $(READY)  ## Run a part of the tests as on a system that has less than Linux
	@AUTHPROXY_TEST_PLATFORM=bare scripts/test

test-compiled: $(READY)  ## Run the tests on a copy whose hot path is compiled, and fuzz that for some seconds
	@scripts/test-compiled

check: $(READY)  ## Say what is wrong with format, lint and types
	@scripts/check

fix: $(READY)  ## Format, and mend what the linter can mend
	@scripts/fix

bench: $(READY)  ## Measure against other proxies
	@benchmarks/run

soak: $(READY)  ## Load it for 15 minutes and see that its memory comes back; MINUTES=5 SCALE=0.2 for less, WORKERS=2 for deaths
	@$(VENV)/bin/python -m benchmarks.soak --minutes $(or $(MINUTES),15) --scale $(or $(SCALE),1) --workers $(or $(WORKERS),1) $(BIN:%=--bin %)

fuzz: $(READY)  ## Fuzz the data path for ten minutes; TARGET=parsers: every parser; SECONDS_EACH=60: one minute
	@fuzz/run

image: $(READY)  ## Build the container image with buildah and prove that it proxies
	@scripts/image

clean:  ## Remove what the other commands made
	rm -rf $(VENV) .venv-* dist .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .hypothesis benchmarks/.cache
