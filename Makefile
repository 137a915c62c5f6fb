# The two commands: `make build` (the main job on the embedded sample) and `make test`.
# Everything happens in .venv; pass options to pip with PIP_ARGS, to pytest with PYTEST_ARGS.

PYTHON ?= python3
PIP_ARGS ?=
PYTEST_ARGS ?=
CONSTRAINTS ?= -c constraints.txt
OUT ?= build/sample
RECIPE ?= trainer/recipes/tiny-cpu.yaml
DATA ?= build/sample
RUN ?= build/runs/$(basename $(notdir $(RECIPE)))
TRAIN_ARGS ?=
# Two threads on two busy cores wait for each other: fifty times slower than one was seen.
THREADS := OMP_NUM_THREADS=$(or $(OMP_NUM_THREADS),1)

BIN := .venv/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet $(PIP_ARGS) $(CONSTRAINTS)

.PHONY: build train reader error-corpus gpu-carry gpu-proof docs setup test test-lowest wheel test-compiled lint bench clean

build: .venv/core
	$(BIN)/hmer-tasks build --dataset sample --out $(OUT)
	$(BIN)/hmer-tasks verify $(OUT)
	@echo "next, each line can be typed as it stands:"
	@echo "$(BIN)/hmer-tasks show $(OUT) -n 3"
	@echo "$(BIN)/hmer-tasks report $(OUT) -o sample.html"
	@echo "$(BIN)/hmer-tasks export $(OUT) --to ms-swift -o sample-swift"

# With no GPU: a tiny model learns 32 pictures of the sample by heart and reads them back, in minutes.
# With one: make train RECIPE=trainer/recipes/uni-mumer-qwen2.5-vl-3b.yaml DATA="build/hme100k build/crohme"
# (several GPUs: docs/guides/training.md). TRAIN_ARGS are further flags; the same command goes on where it stopped.
train: .venv/train
ifeq ($(DATA),build/sample)
	$(MAKE) --no-print-directory build OUT=build/sample
endif
	$(THREADS) $(BIN)/python -m trainer.sft --config $(RECIPE) --data $(DATA) --output_dir $(RUN) $(TRAIN_ARGS)
ifeq ($(RECIPE),trainer/recipes/tiny-cpu.yaml)
	@rm -f $(RUN)/read.jsonl
	$(THREADS) $(BIN)/python -m trainer.predict --model $(RUN) --data $(DATA) --limit 32 --batch 32 --temperature 0 \
	    --max_new_tokens 300 --out $(RUN)/read.jsonl
	@echo "learnt: 32 pictures of the sample by heart; the line above says how many of them it reads back exactly."
	@echo "proves: build, loss mask, optimiser, saving and prediction fit together. It proves nothing about handwriting that"
	@echo "        the model never saw, and a falling loss alone would not prove this much."
	@echo "next:   open $(RUN)/training.png and $(RUN)/README.md; then, on a GPU, with a corpus that you have built:"
	@echo "        make train RECIPE=trainer/recipes/qwen3.5-2b.yaml DATA=build/crohme"
else
	@echo "learnt: see $(RUN)/README.md (the model's card) and $(RUN)/training.png; the loss alone proves nothing."
	@echo "next:   $(BIN)/python -m trainer.predict --model $(RUN) --data BUILD:SPLIT --out $(RUN)/test.jsonl"
	@echo "        $(BIN)/hmer-tasks evaluate $(RUN)/test.jsonl"
endif

# Error-driven learning: k folds, k models, what each misreads of its held-out fold, and the rows of that.
# With no GPU: the embedded sample and a tiny model, whole, in minutes. With GPUs: make error-corpus
# DATASET=hme100k RECIPE=trainer/recipes/uni-mumer-qwen2.5-vl-3b.yaml LAUNCH="accelerate launch --config_file
# trainer/accelerate/fsdp2_8gpu.yaml" LOOP_ARGS="--predictors 3 --train_args '--gradient_accumulation_steps 16'". The same command goes on where it stopped.
DATASET ?= sample
K ?= 3
CORPUS ?= build/error-corpus/$(DATASET)
LAUNCH ?=
LOOP_ARGS ?=
ifeq ($(origin RECIPE),file)
LOOP_RECIPE := trainer/recipes/error-loop-cpu.yaml --max_new_tokens 160 --batch 32
else
LOOP_RECIPE := $(RECIPE)
endif

error-corpus: .venv/train
	$(THREADS) $(BIN)/python examples/error_driven_learning.py --dataset $(DATASET) -k $(K) --recipe $(LOOP_RECIPE) \
	    --launch "$(LAUNCH)" --out $(CORPUS) $(LOOP_ARGS)

# A small model that reads: ink as strokes, training from random weights on one core, CROHME 2014's short expressions
# read and scored. CROHME_INK is a folder or archive of CROHME's InkML. The same command goes on where it stopped;
# READER_ARGS="--minutes 50" makes legs of it, READER_RECIPE=examples/reader/reader-pen.yaml takes the pen's ink alone.
CROHME_INK ?= data/CROHME
READER ?= build/reader
READER_RECIPE ?= examples/reader/reader-cpu.yaml
READER_ARGS ?=
# A step frees and takes again gigabytes; pages given back to the system would have to be fetched anew each time.
KEEP_PAGES := GLIBC_TUNABLES=glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=8589934592:glibc.malloc.top_pad=1073741824

reader: .venv/train
	$(THREADS) $(KEEP_PAGES) $(BIN)/python -m examples.reader --recipe $(READER_RECIPE) --corpus $(CROHME_INK) --out $(READER) \
	    $(READER_ARGS)

# What one GPU proves, in legs of nine minutes: the same command again until it says that all is done. First, where
# there is a network: make gpu-carry CROHME=build/crohme (wheels, tokenizer, shards). Results go to bench/results/.
CARRY ?= build/carry
CROHME ?= build/crohme

gpu-carry: .venv/train
	$(BIN)/python -m bench.gpu_proof_carry --crohme $(CROHME) --out $(CARRY)

gpu-proof: .venv/train
	$(BIN)/python -m bench.gpu_proof --carry $(CARRY) $(PROOF_ARGS)

# The site, from docs/ into build/site; a dead link is an error.
docs: .venv/docs
	$(BIN)/mkdocs build --strict --quiet
	@echo "open build/site/index.html"

setup: .venv/full

test: .venv/full
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile $(PYTEST_ARGS)

# The core with the lowest versions that pyproject.toml allows, in a venv of its own: whether those bounds hold.
# Its quick tests, with the extra that scoring needs. Not part of CI: it downloads old packages.
LOWEST := .venv-lowest
LOWEST_TESTS ?= tests/latex tests/tasks tests/storage tests/utils tests/errors tests/evaluation tests/test_cli.py

test-lowest:
	$(PYTHON) -m venv --clear $(LOWEST)
	$(LOWEST)/bin/python -m pip install --disable-pip-version-check --quiet $(PIP_ARGS) uv
	$(LOWEST)/bin/uv pip install --quiet --python $(LOWEST)/bin/python --resolution lowest-direct -e '.[score]' \
	    'hypothesis>=6.150' 'pytest>=8.4' 'pytest-xdist>=3.6'
	$(LOWEST)/bin/uv pip list --quiet --python $(LOWEST)/bin/python
	OMP_NUM_THREADS=1 $(LOWEST)/bin/python -m pytest -n 2 --dist loadfile $(PYTEST_ARGS) $(LOWEST_TESTS)

# Both wheels: pure Python for every machine, and one for this machine whose core is compiled by mypyc, which wants a
# C compiler and a few minutes (MYPYC_OPT_LEVEL=1: fewer). hatch_build.py says more.
WHEELS ?= build/wheels
MAKE_WHEEL := $(BIN)/python -m pip wheel --disable-pip-version-check --quiet $(PIP_ARGS) --no-deps

wheel: .venv/core
	rm -rf $(WHEELS)
	$(MAKE_WHEEL) --wheel-dir $(WHEELS) .
	HATCH_BUILD_HOOKS_ENABLE=1 $(MAKE_WHEEL) --wheel-dir $(WHEELS) .
	@for wheel in $(WHEELS)/*.whl; do echo "wrote $$wheel, $$(($$(wc -c < $$wheel) / 1000)) kB"; done

# The tests of the core on the compiled wheel, in an environment of its own (libraries are lent by .venv) and away
# from the sources. Not part of `make test`, which takes long enough. Lines and calls of compiled code cannot be counted,
# so that linear_time is left out; bench/linear_time.py measures its seconds.
COMPILED := build/compiled
COMPILED_TESTS ?= tests/latex tests/errors tests/tasks tests/pipeline tests/test_cli.py
LENT := import sysconfig; print(sysconfig.get_path("purelib"))
CORPORA := $(or $(HMER_CORPORA),$(abspath ../shared/corpora))

test-compiled: .venv/full
	rm -rf $(COMPILED) && mkdir -p $(COMPILED)/tree
	HATCH_BUILD_HOOKS_ENABLE=1 $(MAKE_WHEEL) --wheel-dir $(COMPILED) .
	$(BIN)/python -m venv $(COMPILED)/venv
	$(COMPILED)/venv/bin/python -m pip install --disable-pip-version-check --quiet --no-deps $(COMPILED)/*.whl
	$(BIN)/python -c '$(LENT)' > "$$($(COMPILED)/venv/bin/python -c '$(LENT)')/lent.pth"
	cp -R bench docs examples grammar tests trainer *.md *.toml *.txt Makefile $(COMPILED)/tree
	cd $(COMPILED)/tree && ../venv/bin/hmer-tasks --version | grep -F '(compiled)'
	cd $(COMPILED)/tree && HMER_CORPORA=$(CORPORA) OMP_NUM_THREADS=1 ../venv/bin/python -m pytest -n auto \
	    --dist loadfile -p no:cacheprovider -k 'not linear_time' $(PYTEST_ARGS) $(COMPILED_TESTS)

lint: .venv/full
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pydoclint --quiet hmer_tasks trainer

# How fast, as ratios to named references; BENCH_ARGS="--against main" compares with another commit instead.
bench: .venv/full
	$(BIN)/python -m bench.table $(BENCH_ARGS)

.venv/bin/python:
	$(PYTHON) -m venv .venv

# The core: no torch.
.venv/core: .venv/bin/python pyproject.toml constraints.txt
	$(PIP) -e .
	@touch $@

# What training needs, and scoring after it. A torch that is there already (a GPU machine's own) is kept;
# where there is none, the pinned one is installed: on a CPU from the index of PIP_ARGS.
.venv/train: .venv/core
	$(BIN)/python -c 'import torch' 2> /dev/null || $(PIP) torch==2.13.0
	$(PIP) -e '.[train,score]'
	@touch $@

.venv/docs: .venv/core
	$(PIP) -e '.[docs]'
	@touch $@

# What tests and training on a CPU need. torch comes first, pinned: unpinned it pulls gigabytes.
.venv/full: .venv/bin/python pyproject.toml constraints.txt
	$(PIP) torch==2.13.0
	$(PIP) -e '.[dev,train]'
	@touch .venv/core .venv/train $@

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
