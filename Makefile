# One word each: demo · test · lint · bench · screenshots. Each makes what it needs; only Python 3.11 and Debian's usual tools are assumed.
PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin
PIP     = $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: demo test lint bench screenshots clean

demo: $(VENV)/.laptop
	$(BIN)/contender demo $(ARGS)

test: $(VENV)/.dev $(VENV)/.browser .venv-aws/.ready
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --no-loadscope-reorder $(ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/cfn-lint infra/*.yaml

bench: $(VENV)/.dev
	$(BIN)/python -m bench $(ARGS)

screenshots: $(VENV)/.dev $(VENV)/.browser
	$(BIN)/python -m tests.studio.browser.screenshots

clean:
	rm -rf $(VENV) .venv-aws .contender build *.egg-info .pytest_cache .mypy_cache .ruff_cache

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.laptop: setup.py constraints.txt | $(VENV)/bin/python
	$(PIP) --editable '.[pipeline,local]'
	touch $@

$(VENV)/.dev: setup.py constraints.txt | $(VENV)/bin/python
	$(PIP) --editable '.[dev]'
	touch $@ $(VENV)/.laptop

# The web page is tested in Chromium: Debian's, or the one that CONTENDER_CHROMIUM names.
$(VENV)/.browser: | $(VENV)/bin/python
	@if test -z "$$CONTENDER_CHROMIUM" && ! command -v chromium > /dev/null; then \
	  if test "$$(id -u)" = 0 && command -v apt-get > /dev/null; then apt-get update -qq && apt-get install -y -qq chromium; \
	  else echo "there is no chromium for the web page's tests: apt install chromium, or name one in CONTENDER_CHROMIUM" >&2; \
	    exit 1; fi; fi
	touch $@

# The AWS CLI is a client that the tests drive; it pins a botocore of its own, so it lives in an environment of its own.
.venv-aws/.ready:
	$(PYTHON) -m venv .venv-aws
	.venv-aws/bin/python -m pip install --quiet --disable-pip-version-check awscli==1.45.64
	touch $@
