# `make` alone lists the targets. Needs Python 3.11 or newer, Node.js 20.9 or newer, and Terraform or OpenTofu.
# PYTHON=... picks a Python, TEST_JOBS=... says how many tests run at a time.

.DEFAULT_GOAL := help
SHELL := /bin/sh

BIN := .venv/bin
TEST_JOBS ?= auto
PYTHON_STAMP := .venv/.made
NODE_STAMP := node_modules/.made
CDKTN := tests/deploy/cdktn
CDKTN_STAMP := $(CDKTN)/node_modules/.made

# Terraform, cdktf and jsii: no version checks over the network, no banner about old node versions
export CHECKPOINT_DISABLE := 1
export DISABLE_VERSION_CHECK := 1
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 18,20

.PHONY: help setup test lifecycle fuzz demo ec2 bench synth pictures clean

help:
	@echo 'make setup   Python packages into .venv, the CDKTF command line into node_modules'
	@echo 'make test    set up; ruff, mypy and all tests, those of the constructs with both CDK engines'
	@echo 'make lifecycle  set up; every kind of change of a deployed environment, with the providers that a mirror holds'
	@echo 'make fuzz    set up; every fact of files of Terraform changed one by one, none of it proved (SEED=...: again)'
	@echo 'make demo    set up; deploy to an EC2 API on this machine, prove it, tear it down (ENV=FILE: a file of your own)'
	@echo 'make ec2     set up; keep such an EC2 API running, and say how to deploy to it (ENV=FILE: as above)'
	@echo 'make bench   set up; CPU time and memory of synthesizing, against an empty CDKTF app'
	@echo 'make synth   set up; Terraform JSON of stacks/environments (or JTEL_ENVIRONMENTS) into cdktf.out'
	@echo 'make pictures  set up; the pictures of the documentation, with chromium'
	@echo 'make clean   remove all that the other targets made'

setup: $(PYTHON_STAMP) $(NODE_STAMP)
	@:

test: setup $(CDKTN_STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n $(TEST_JOBS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)
	JTEL_ENGINE=cdktn $(BIN)/python -m pytest -n $(TEST_JOBS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS) \
	  tests/constructs tests/snapshots tests/testing tests/deploy/test_customer_app.py

lifecycle: setup
	JTEL_LIFECYCLE=whole $(BIN)/python -m pytest tests/lifecycle -n $(TEST_JOBS) $(PYTEST_ARGS)

fuzz: setup
	@$(BIN)/python -m tests.readers.fuzz $(SEED)

demo: setup
	@$(BIN)/python -m stacks.demo $(if $(ENV),"$(ENV)")

ec2: setup
	@$(BIN)/python -m stacks.local_ec2 $(if $(ENV),"$(ENV)")

bench: setup
	$(BIN)/python tests/bench.py

synth: setup
	@$(BIN)/python -m stacks
	@echo "Terraform JSON: $${CDKTF_OUTDIR:-cdktf.out}/stacks"

pictures: setup
	$(BIN)/python -m tests.pictures

clean:
	rm -rf .venv node_modules $(CDKTN)/node_modules cdktf.out cdktf.log .demo .ec2 .test-env .hypothesis .pytest_cache .mypy_cache .ruff_cache build
	rm -rf jtel_constructs.egg-info
	find jtel_constructs stacks tests examples -name __pycache__ -type d -prune -exec rm -rf {} +

# $(call quietly,COMMAND): the output is shown only if the command fails
quietly = log=$$(mktemp) && { $(1); } >"$$log" 2>&1 && rm -f "$$log" \
  || { cat "$$log" >&2; rm -f "$$log"; echo 'error: setup failed, see above' >&2; exit 1; }

# Commands in .venv hold the folder's name: in a copy of the folder they would still run the original.
ifneq ($(shell cat $(PYTHON_STAMP) 2>/dev/null),$(CURDIR))
.PHONY: $(PYTHON_STAMP)
endif
ifneq ($(shell $(BIN)/python -c 'print("fine")' 2>/dev/null),fine)
.PHONY: $(PYTHON_STAMP)
endif

$(PYTHON_STAMP): requirements-dev.txt pyproject.toml
	@python= lacking=; \
	for candidate in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
	  "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	  if "$$candidate" -c 'import ensurepip, venv' 2>/dev/null; then python="$$candidate"; break; fi; \
	  lacking="$$lacking $$candidate"; \
	done; \
	if [ -z "$$python" ] && [ -n "$$lacking" ]; then \
	  echo "error:$$lacking cannot make a virtual environment, ensurepip is missing;" >&2; \
	  echo "       on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; \
	elif [ -z "$$python" ]; then \
	  echo 'error: no Python 3.11 or newer found; install one, or name it: make setup PYTHON=/path/to/python3' >&2; \
	  exit 1; \
	fi; \
	echo "setup: Python packages into .venv, with $$("$$python" --version)"; \
	$(call quietly,"$$python" -m venv --clear .venv)
	@$(call quietly,$(BIN)/python -m pip install --disable-pip-version-check -r requirements-dev.txt \
	  && $(BIN)/python -m pip install --disable-pip-version-check --no-deps --no-build-isolation -e . \
	  && $(BIN)/python -m compileall -q jtel_constructs stacks)
	@echo '$(CURDIR)' >$@

$(NODE_STAMP): package.json package-lock.json
	@if ! node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 9) ? 0 : 1)' \
	  2>/dev/null || ! npm --version >/dev/null 2>&1; then \
	  echo 'error: no Node.js 20.9 or newer with npm in PATH; install it and run make again' >&2; exit 1; \
	fi
	@echo 'setup: the CDKTF command line into node_modules'
	@$(call quietly,npm ci --ignore-scripts --no-audit --no-fund)
	@touch $@

$(CDKTN_STAMP): $(CDKTN)/package.json $(CDKTN)/package-lock.json
	@echo 'test: the command line of cdktn into $(CDKTN)/node_modules'
	@$(call quietly,npm ci --prefix $(CDKTN) --ignore-scripts --no-audit --no-fund)
	@touch $@
