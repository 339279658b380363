# One word each: demo · test · lint · bench. Each makes what it needs; only Python 3.11 and Debian's usual tools are assumed.
PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin
PIP     = $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: demo test lint bench clean

demo: $(VENV)/.laptop
	$(BIN)/contender demo $(ARGS)

test: $(VENV)/.dev .venv-aws/.ready
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --no-loadscope-reorder $(ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/cfn-lint infra/*.yaml

bench: $(VENV)/.dev
	$(BIN)/python -m bench $(ARGS)

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

# The AWS CLI is a client that the tests drive; it pins a botocore of its own, so it lives in an environment of its own.
.venv-aws/.ready:
	$(PYTHON) -m venv .venv-aws
	.venv-aws/bin/python -m pip install --quiet --disable-pip-version-check awscli==1.45.64
	touch $@
