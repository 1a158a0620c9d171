PYTHON ?= python3
BIN := .venv/bin

.PHONY: up test lint format clean

up: .venv/ready-up
	$(BIN)/python manage.py up $(ARGS)

test: .venv/ready-test lint
	$(BIN)/python -m pytest $(ARGS)

lint: .venv/ready-test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run

format: .venv/ready-test
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.venv/bin/python:
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"

.venv/ready-up: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet .
	touch $@

.venv/ready-test: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet . --group dev
	touch $@ .venv/ready-up

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
