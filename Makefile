# Needs python3 (3.11 or newer), make and git; everything else comes in by pinned hash.
PYTHON ?= python3
ONCE ?=
ARGS ?=
# How many test processes; files stay whole, as many of them share one server.
PARALLEL ?= 3
# How many slow tests at a time: they wait more than they work.
STORMS ?= 3
# How long the soak lasts, beside its two rests of 4 minutes.
MINUTES ?= 30
# required: make supply fails where no list of known holes can be asked.
AUDIT ?=

# Processes start by the hundred: each would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
MAILMAN := .venv-mailman
INSTALL := -m pip install --quiet --disable-pip-version-check --no-deps
SLOWLY := COURSEFLOW_SYNC_DEMO_MAILMAN_PYTHON="$(CURDIR)/$(MAILMAN)/bin/python" \
	$(BIN)/pytest -n $(STORMS) --dist load --maxschedchunk 1
WHEELS := $(INSTALL) --only-binary=:all: --require-hashes
NEW_ENOUGH := import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=..." if sys.version_info < (3, 11) else 0)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: .venv/run.stamp $(MAILMAN)/stamp ## Run the whole product on this machine; ONCE=1 ends with a summary
	@COURSEFLOW_SYNC_DEMO_MAILMAN_PYTHON="$(CURDIR)/$(MAILMAN)/bin/python" \
		$(BIN)/courseflow-sync demo $(if $(filter 1,$(ONCE)),--once)

.PHONY: test
test: .venv/dev.stamp $(MAILMAN)/stamp ## Run every test but the slow ones; ARGS="-k name" narrows it
	@COURSEFLOW_SYNC_DEMO_MAILMAN_PYTHON="$(CURDIR)/$(MAILMAN)/bin/python" \
		$(BIN)/pytest -n $(PARALLEL) --dist loadfile --no-loadscope-reorder \
		-m "not storm and not large and not soak" $(ARGS)

.PHONY: storm
storm: .venv/dev.stamp $(MAILMAN)/stamp ## Run the storms: crashes, races, losses, every fault
	@$(SLOWLY) -m storm $(ARGS)

.PHONY: large
large: .venv/dev.stamp $(MAILMAN)/stamp ## Run with large figures what make test plays small
	@$(SLOWLY) -m large $(ARGS)

.PHONY: soak
soak: .venv/dev.stamp ## Run for half an hour, to see that nothing grows; MINUTES=5 is shorter
	@MINUTES=$(MINUTES) $(BIN)/pytest -m soak tests/storms/test_soak.py $(ARGS)

.PHONY: bench
bench: .venv/dev.stamp ## Measure, beside what a plain program would do; writes var/bench.json
	@$(BIN)/python -m bench.run

.PHONY: docs
docs: .venv/dev.stamp ## Write anew what comes from the code: the OpenAPI document, errors, states
	@$(BIN)/python -m app.api.documents docs

.PHONY: check
check: .venv/dev.stamp ## Check format, lint, types and the direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

.PHONY: format
format: .venv/dev.stamp ## Format the code and mend what can be mended by itself
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: supply
supply: .venv-supply/stamp ## Look at pins, code, wheel, known holes; AUDIT=required is strict
	@AUDIT=$(AUDIT) .venv-supply/bin/python requirements/supply.py

.PHONY: pins
pins: ## Renew the pinned requirements; needs uv
	cd requirements && export UV_CUSTOM_COMPILE_COMMAND="make pins" && \
	compile() { uv pip compile --quiet --upgrade --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url "$$@"; } && \
	compile run.in -o run.txt && \
	compile dev.in -c run.txt -o dev.txt && \
	compile build.in -c dev.txt -o build.txt && \
	compile supply.in -c build.txt -o supply.txt && \
	compile mailman.in --override overrides.in -o mailman.txt

.PHONY: clean
clean: ## Remove environments and caches; var/, with your data and keys, stays
	rm -rf .venv .venv-supply $(MAILMAN) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist
	find app connectors core tests workers -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/run.stamp: requirements/build.txt requirements/run.txt pyproject.toml
	@echo "Preparing .venv from requirements/run.txt ..."
	@$(PYTHON) -c '$(NEW_ENOUGH)'
	@$(BIN)/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear .venv
	@$(BIN)/python $(WHEELS) -r requirements/build.txt
	@$(BIN)/python $(WHEELS) -r requirements/run.txt
	@$(BIN)/python $(INSTALL) --no-build-isolation --editable .
	@touch $@

.venv/dev.stamp: .venv/run.stamp requirements/dev.txt
	@echo "Adding requirements/dev.txt ..."
	@$(BIN)/python $(WHEELS) -r requirements/dev.txt
	@touch $@

.venv-supply/stamp: requirements/supply.txt
	@echo "Preparing .venv-supply from requirements/supply.txt ..."
	@$(PYTHON) -c '$(NEW_ENOUGH)'
	@.venv-supply/bin/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear .venv-supply
	@.venv-supply/bin/python $(WHEELS) -r requirements/supply.txt
	@touch $@

$(MAILMAN)/stamp: requirements/build.txt requirements/mailman.txt
	@echo "Preparing $(MAILMAN) for a real GNU Mailman ..."
	@$(PYTHON) -c '$(NEW_ENOUGH)'
	@$(MAILMAN)/bin/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear $(MAILMAN)
	@$(MAILMAN)/bin/python $(WHEELS) -r requirements/build.txt
	@$(MAILMAN)/bin/python $(INSTALL) --no-build-isolation --require-hashes -r requirements/mailman.txt
	@touch $@
