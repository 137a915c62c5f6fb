# The two commands: `make build` (the main job on the embedded sample) and `make test`.
# Everything happens in .venv; pass options to pip with PIP_ARGS, to pytest with PYTEST_ARGS.

PYTHON ?= python3
PIP_ARGS ?=
PYTEST_ARGS ?=
OUT ?= build/sample

BIN := .venv/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet $(PIP_ARGS) -c constraints.txt

.PHONY: build setup test lint bench clean

build: .venv/core
	$(BIN)/hmer-tasks build --dataset sample --out $(OUT)
	$(BIN)/hmer-tasks verify $(OUT)
	@echo "look at it with: $(BIN)/hmer-tasks show $(OUT) -n 3"

setup: .venv/full

test: .venv/full
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile $(PYTEST_ARGS)

lint: .venv/full
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/full
	$(BIN)/python -m bench.parse_speed
	$(BIN)/python -m bench.build_speed
	$(BIN)/python -m bench.memory

.venv/bin/python:
	$(PYTHON) -m venv .venv

# The core: no torch.
.venv/core: .venv/bin/python pyproject.toml constraints.txt
	$(PIP) -e .
	@touch $@

# What tests and training on a CPU need. torch comes first, pinned: unpinned it pulls gigabytes.
.venv/full: .venv/bin/python pyproject.toml constraints.txt
	$(PIP) torch==2.13.0
	$(PIP) -e '.[dev,train]'
	@touch .venv/core $@

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
