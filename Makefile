# Needs Python 3.11 or newer, make, and a package index. Everything else is installed into .venv by the targets below.
#   make run     set up and start Trunkline            ARGS='--port 5000' are handed on
#   make test    set up and run the tests              ARGS='-k journal' are handed on; WORKERS=0 runs them one by one
#   make check   format, lint, types, import rules, generated docs
#   make battery the long experiments (ARGS=--publish) make bench  the speed table
#   make rows    which test shows which row            make lock   resolve the locks anew

PYTHON ?= python3
WORKERS ?= 3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
INSTALL := $(PIP) install --quiet --require-hashes
NODE_MODULES := tests/real/node/node_modules
AGENTS := tests/real/agents/node_modules
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header

.DEFAULT_GOAL := run
.PHONY: run test check bench battery rows lock clean
.DELETE_ON_ERROR:

# Byte code is kept even where the environment says otherwise (images do): every start would compile all of Trunkline anew.
unexport PYTHONDONTWRITEBYTECODE

run: $(VENV)/.runtime
	@TRUNKLINE_ENV="$${TRUNKLINE_ENV-dev}" $(BIN)/trunkline serve --simulate-missing $(ARGS)

# In the order of the folders: the flows, which wait for processes, come before the unit tests, which fill the end evenly.
test: $(VENV)/.dev $(NODE_MODULES)/.installed
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not slow" $(ARGS)

battery: $(VENV)/.battery $(NODE_MODULES)/.installed $(AGENTS)/.installed
	@$(BIN)/python -m tests.battery $(ARGS)

bench: $(VENV)/.dev
	@$(BIN)/trunkline bench $(ARGS)

check: $(VENV)/.dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest -q tests/meta
	@if [ -f src/trunkline/cli/reference.py ]; then $(BIN)/python -m trunkline.cli.reference --check; fi

rows: $(VENV)/.dev
	@$(BIN)/python tests/meta/rows.py

# The locks take the newest versions that fit; look at the difference before you commit it.
lock: $(VENV)/.dev
	$(LOCK) --upgrade pyproject.toml -o requirements/runtime.txt
	$(LOCK) --upgrade pyproject.toml --extra dev --extra test -c requirements/runtime.txt -o requirements/dev.txt
	$(LOCK) --upgrade pyproject.toml --extra battery -c requirements/runtime.txt -o requirements/battery.txt
	$(LOCK) --upgrade requirements/build.in -o requirements/build.txt

clean:
	rm -rf $(VENV) $(NODE_MODULES) $(AGENTS) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

# Each stamp is newer than what it was made from, so that a second run installs nothing.

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Trunkline needs Python 3.11 or newer, and '$(PYTHON)' is not: name one, e.g. make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "'$(PYTHON)' cannot make virtual environments: install its venv (Debian, Ubuntu: apt-get install python3-venv)"; exit 1; }
	@echo "Making $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)
	@touch $@

# The package itself is built with the locked build tools: no isolated build that would fetch others.
$(VENV)/.runtime: $(VENV)/.made requirements/runtime.txt requirements/build.txt pyproject.toml
	@echo "Installing what Trunkline needs ..."
	@$(INSTALL) -r requirements/runtime.txt -r requirements/build.txt
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q src
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements/dev.txt
	@echo "Installing what the tests need ..."
	@$(INSTALL) -r requirements/dev.txt
	@touch $@

$(VENV)/.battery: $(VENV)/.dev requirements/battery.txt
	@echo "Installing what the battery needs ..."
	@$(INSTALL) -r requirements/battery.txt
	@touch $@

$(NODE_MODULES)/.installed: $(VENV)/.dev tests/real/node/package-lock.json
	@echo "Installing the Node SDKs ..."
	@$(BIN)/python tests/real/node/tool.py
	@touch $@

$(AGENTS)/.installed: $(VENV)/.dev tests/real/agents/package-lock.json
	@echo "Installing the coding agents (0.8 GB) ..."
	@$(BIN)/python tests/real/node/tool.py tests/real/agents
	@touch $@
