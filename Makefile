# `make demo` shows the product, `make test` checks it. Every target makes the environment first.
PYTHON ?= python3
BIN := .venv/bin

unexport PYTHONDONTWRITEBYTECODE  # tests start a hundred processes, each of which would compile the packages anew

.PHONY: install demo test coverage lint docs format wheel clean

install: .venv/.installed

.venv/.installed: pyproject.toml .ci/constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint .ci/constraints.txt torch
	$(BIN)/pip install --quiet --constraint .ci/constraints.txt --editable '.[dev]'
	touch $@

demo: install
	$(BIN)/creditfusion demo

test: install
	$(BIN)/pytest -m "not gpu" --numprocesses 2 --dist worksteal

coverage: install  # of the quick tests; measuring it makes them take half as long again
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -m "not gpu and not slow" --numprocesses 2 --dist worksteal
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

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

wheel: install
	rm -rf build dist
	$(BIN)/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

clean:
	rm -rf .venv build dist demo_run site
