# Everything a newcomer needs: `make demo`, `make test`. `make` alone lists the verbs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup demo test kernel fuzz check fix bench recordings lock clean

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## make the virtual environment with hipturn and all extras in it

$(STAMP): pyproject.toml requirements/constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "hipturn needs Python 3.11 or newer: make setup PYTHON=python3.12"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements/constraints.txt -e '.[all,dev]'
	@touch $@

demo: setup ## the whole job with a virtual sensor; ARGS="--headless --reps 5"
	$(BIN)/hipturn demo $(ARGS)

test: setup ## run the tests; ARGS="-k clock" for some of them
	$(BIN)/python -m pytest $(ARGS)

kernel: setup ## build a Linux with Bluetooth (once, as root), and try the BLE source on it in full
	.ci/kernel/build
	CI=true $(BIN)/python -m pytest -rP tests/test_kernel.py

fuzz: setup ## throw bytes at all decoders, led by what they do; ARGS="-max_total_time=600"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements/constraints.txt -e '.[fuzz]'
	$(BIN)/python tests/fuzz_decoders.py $(ARGS)

check: setup ## lint, format, types, import contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: setup ## mend what lint and format can mend
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: setup ## measure speed and accuracy, beside named peers
	for file in benchmarks/[a-z]*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

recordings: setup ## make the bundled recordings anew
	$(BIN)/python recordings/make.py

lock: setup ## write the versions now installed into requirements/constraints.txt
	$(BIN)/python -m pip freeze --exclude-editable > requirements/constraints.txt

clean: ## remove the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
