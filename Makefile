# What a newcomer runs: `make demo` and `make test`. Everything is installed into .venv; nothing else is touched.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
ARGS   ?=

PAGE_SOURCES := $(shell find ui -type f -not -path 'ui/node_modules/*' 2>/dev/null)
PAGE := src/accelerapp/server/page/index.html

.PHONY: help demo test test-stack lint page page-check chromium pytest busybox rsyslog bench bench-page bench-sizes wheel screenshots generate clean

help:
	@echo "make demo         install, build the page and play the demo (ARGS='--once' plays it once and ends)"
	@echo "make test         set up and run every check and test"
	@echo "make test-stack   build every real server that can be had, and test against them (an hour, the first time)"
	@echo "make bench        measure the observatory beside its peers, and write docs/reference/benchmarks.md (half an hour)"
	@echo "make bench-page   measure the page in Chromium, and write it there too (a quarter of an hour)"
	@echo "make bench-sizes  measure what a sample, a span and a log line take in the real stores (a quarter of an hour)"
	@echo "make page         build the page"
	@echo "make generate     write the generated reference pages anew"
	@echo "make screenshots  take pictures of every view into build/screenshots, and those of README and docs"
	@echo "make clean        remove what the others made"

demo: $(VENV)/installed-all page
	@$(BIN)/accelerapp demo $(ARGS)

test: $(VENV)/installed-dev lint page page-check chromium busybox rsyslog pytest

$(VENV)/bin/python:
	@echo "==> making $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed; name one with PYTHON=..."; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "Python's venv module is missing: on Debian, apt-get install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/installed-all: pyproject.toml | $(VENV)/bin/python
	@echo "==> installing accelerapp and what it needs (a minute or two, the first time)"
	@$(BIN)/python -m pip install --editable '.[all]'
	@touch $@

$(VENV)/installed-dev: pyproject.toml | $(VENV)/bin/python
	@echo "==> installing accelerapp and the tools that check it (a few minutes, the first time)"
	@$(BIN)/python -m pip install --editable '.[dev]'
	@touch $@ $(VENV)/installed-all

page: $(PAGE)

$(PAGE): $(PAGE_SOURCES) hatch_build.py | $(VENV)/bin/python
	@echo "==> building the page (half a minute)"
	@$(BIN)/python hatch_build.py
	@touch $@

lint: $(VENV)/installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

page-check: page
	@echo "==> checking the page: types, lint, unit tests"
	@$(BIN)/python hatch_build.py check

# The browser tests drive Debian's chromium; elsewhere they say what they miss.
chromium:
	@if [ ! -x /usr/bin/chromium ] && [ -z "$$ACCELERAPP_CHROMIUM" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "==> installing Debian's chromium for the browser tests"; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null; fi

# Files side by side: most tests wait for a server, which a file's tests share, more than they compute. In their order,
# which has the many short files of tests/unit at the end: no process waits long for the last file of another.
pytest: $(VENV)/installed-dev
	$(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder $(ARGS)

test-stack: $(VENV)/installed-dev page busybox rsyslog
	ACCELERAPP_STACK=all $(BIN)/pytest tests/stack $(ARGS)

bench: $(VENV)/installed-dev page
	$(BIN)/python -m benchmarks $(ARGS)

bench-page: $(VENV)/installed-dev page chromium
	$(BIN)/python -m benchmarks.page $(ARGS)

bench-sizes: $(VENV)/installed-dev
	$(BIN)/python -m benchmarks.stack_sizes $(ARGS)

wheel: $(VENV)/installed-dev
	$(BIN)/python -m build --wheel

generate: $(VENV)/installed-dev
	$(BIN)/python docs/generate.py
	$(BIN)/python docs/generate_compose_environment.py
	$(BIN)/python -m deployment.dashboards
	$(BIN)/python docs/generate_kubernetes.py

# One test runs a script by the shell and tools of Prometheus' image, which are busybox's.
busybox:
	@if ! command -v busybox >/dev/null && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "==> installing Debian's busybox for a test"; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends busybox >/dev/null; fi

# One test sends log lines with it.
rsyslog:
	@if [ ! -x /usr/sbin/rsyslogd ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "==> installing Debian's rsyslog for a test"; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends rsyslog >/dev/null; fi

screenshots: $(VENV)/installed-dev page chromium
	$(BIN)/python docs/screenshots.py $(ARGS)

clean:
	rm -rf $(VENV) dist build ui/node_modules src/accelerapp/server/page .mypy_cache .ruff_cache .pytest_cache .hypothesis
