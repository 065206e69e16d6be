# Needs Python 3.11 or newer and nothing else: every target makes what it wants in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := agentmail_tui server tests benchmarks

.PHONY: run demo serve test check format bench screenshots docs clean
.DEFAULT_GOAL := run

$(VENV)/bin/pip:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml constraints.txt | $(VENV)/bin/pip
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[server]'
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(VENV)/bin/pip
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@ $(VENV)/.run

# Without it search goes by words alone, so nothing here depends on it.
MODEL := $(BIN)/agentmail-server model fetch >/dev/null || true

run: $(VENV)/.run  ## Open the demo
	@$(MODEL)
	@$(BIN)/agentmail-tui --demo

serve: $(VENV)/.run  ## Run the server alone
	@$(BIN)/agentmail-server serve

test: $(VENV)/.dev  ## Run the whole test suite
	@$(MODEL)
	$(BIN)/pytest

check: $(VENV)/.dev  ## Format, lint, types, import arrows
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev  ## Put the sources in form
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

bench: $(VENV)/.dev  ## Measure speed
	$(BIN)/python -m benchmarks

screenshots: $(VENV)/.dev  ## Draw screenshots/ anew from the demo
	$(BIN)/python -m screenshots.draw

docs: $(VENV)/.dev  ## Write the generated parts of README.md and docs/
	$(BIN)/python -m docs.generate

clean:
	rm -rf $(VENV) dist build
