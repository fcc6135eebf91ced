# Needs nothing but make, Python 3.11 or newer with venv and pip, and a package index (or a wheelhouse by PIP_* settings).
# make up ARGS="--fast 2000" hands options on; make install PYTHON=python3.13 names another Python.

VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

# The first of these that is new enough.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$python" && break; done)

COMPILE := uv pip compile pyproject.toml - --generate-hashes --universal --python-version 3.11 \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links --quiet

.PHONY: help install up check test browser stress chaos chaos-sends fuzz bench bench-gateway lock clean

help:
	@echo 'make up       everything on this machine: Temporal, worker, gateway, demo orders (ARGS="--fast 2000")'
	@echo 'make install  the virtual environment $(VENV)'
	@echo 'make check    format, lint, types, laws of the layers'
	@echo 'make test     check, then every test, a process per core (ARGS="tests/pipeline --numprocesses 0")'
	@echo 'make stress   orders under random events and commands, every history replayed (ARGS="--orders 500 --seed 7")'
	@echo 'make chaos    1,000 orders while every part is killed, on both stores, then a few without guards (ARGS="--orders 200 --store sqlite")'
	@echo 'make chaos-sends  2,000 sends over vendors that fail half of the time, while workers are killed'
	@echo 'make fuzz     every parser of the way in, and the API, with hostile input (ARGS="--examples 500 --seed 7")'
	@echo 'make bench    the product against a hand-written workflow and DBOS, in one run'
	@echo 'make bench-gateway  signed webhooks against a route that only inserts a row'
	@echo 'make lock     the lock files anew, from pyproject.toml'
	@echo 'make clean    remove $(VENV)'

install: $(VENV)/.installed

up: install
	@exec $(BIN)/orders up $(ARGS)

check: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check browser
	$(BIN)/python -m pytest --numprocesses logical --maxprocesses 4 --dist loadfile $(ARGS)

# Tests in a real browser take the system's Chromium; where it can be installed it is, elsewhere they are skipped.
browser:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || { \
		test "$$(id -u)" = 0 && command -v apt-get >/dev/null && echo 'Installing Chromium for the tests …' && \
		{ apt-get install -y -qq --no-install-recommends chromium >/dev/null 2>&1 || \
		{ apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } >/dev/null 2>&1; } || \
		echo 'There is no Chromium: the tests in a browser are skipped'; }

stress: $(VENV)/.installed-dev
	$(BIN)/python -m tests.stress $(ARGS)

chaos: $(VENV)/.installed-dev
	$(BIN)/python -m tests.chaos $(ARGS)

chaos-sends: $(VENV)/.installed-dev
	$(BIN)/python -m tests.chaos_sends $(ARGS)

fuzz: $(VENV)/.installed-dev
	$(BIN)/python -m tests.fuzz $(ARGS)

bench-gateway: $(VENV)/.installed-dev
	$(BIN)/python -m tests.bench.gateway $(ARGS)

bench: $(VENV)/.installed-bench
	$(BIN)/python -m tests.bench.run $(ARGS)

$(VENV)/.installed: requirements.lock pyproject.toml
	@$(call prepare)
	@echo 'Installing the locked packages into $(VENV) …'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	@echo 'Installing the tools of developers into $(VENV) …'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

$(VENV)/.installed-bench: tests/bench/requirements.txt $(VENV)/.installed-dev
	@echo 'Installing what the benchmark compares with into $(VENV) …'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r $< && touch $@ || \
		echo 'It could not be installed: the bench leaves it out'

lock:
	@command -v uv >/dev/null || { echo 'error: uv is not installed' >&2; \
		echo 'help: see https://docs.astral.sh/uv; only `make lock` needs it' >&2; exit 1; }
	echo setuptools | $(COMPILE) --extra embedded --output-file requirements.lock
	echo setuptools | $(COMPILE) --extra embedded --extra dev --constraint requirements.lock \
		--output-file requirements-dev.lock

clean:
	rm -rf $(VENV)

define prepare
test -n '$(PYTHON)' || { echo 'error: no Python 3.11 or newer was found' >&2; \
	echo 'help: install one, or name it: make install PYTHON=/path/to/python3' >&2; exit 1; }; \
'$(PYTHON)' -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	echo "error: $(PYTHON) is $$('$(PYTHON)' --version 2>&1); Python 3.11 or newer is needed" >&2; \
	echo 'help: name another one: make install PYTHON=python3.13' >&2; exit 1; }; \
'$(PYTHON)' -c 'import ensurepip, venv' 2>/dev/null || { \
	echo 'error: this Python cannot make virtual environments' >&2; \
	echo 'help: install its venv package; on Debian and Ubuntu: apt install python3-venv' >&2; exit 1; }; \
'$(PYTHON)' -m venv $(VENV)
endef
