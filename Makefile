# Every target makes the environment it needs, so that each works on a fresh clone.
#   make test PYTHON=python3.13      another Python than python3 (3.11 or newer)
#   make test ARGS="-k search -x"    arguments for pytest; -n 0 runs the tests in one process

PYTHON ?= python3
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
LOCK := requirements/dev.txt
INSPECTOR := @modelcontextprotocol/inspector@0.15.0
# A process for each core, but not for all of a large machine: each starts a PostgreSQL server.
WORKERS := --numprocesses auto --maxprocesses 8 --dist worksteal

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore

.DEFAULT_GOAL := help
.PHONY: help demo test test-extra test-faults test-attacks check audit bench docs package write clean lock
# The tools use all cores themselves, and two targets at once would build the environment twice.
.NOTPARALLEL:

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY) ## store and find memories in a folder of its own
	$(BIN)/python examples/demo.py

test: $(READY) ## run all tests
	$(BIN)/python -m pytest $(WORKERS) $(ARGS)

test-extra: $(READY) ## run the tests with PgBouncer, an old PostgreSQL and the MCP inspector (apt, npm)
	@test -d .servers/usr || tools/debian_servers.sh "$(CURDIR)/.servers"
	@test -d .servers/node_modules || npm install --silent --prefix .servers $(INSPECTOR)
	VESTIGE_TEST_SERVERS=.servers $(BIN)/python -m pytest -m extra $(ARGS) tests/extra

test-faults: $(READY) ## run the tests of full disks, cut connections and wrong clocks in their long form
	VESTIGE_TEST_FAULTS=long $(BIN)/python -m pytest $(ARGS) tests/faults

test-attacks: $(READY) ## run the attacks on searches, names and values by the thousand
	VESTIGE_TEST_ATTACKS=3000 $(BIN)/python -m pytest --timeout 3600 $(ARGS) tests/security

audit: $(READY) ## look up whether a locked package has a known vulnerability; needs a connection
	$(BIN)/python tools/audit.py

check: $(READY) ## lint, formatting, types, layers, spelling; the examples of the documentation are tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports
	$(BIN)/codespell

bench: $(READY) ## run the benchmarks
	@for script in $(filter-out bench/_%,$(wildcard bench/*.py)); do \
		echo "$$script"; $(BIN)/python "$$script" || exit 1; \
	done

docs: $(READY) ## run the examples of the documentation
	$(BIN)/python -m pytest $(ARGS) tests/docs

package: $(READY) ## build the package, install it into empty environments, run the demo there
	$(BIN)/python tools/package_check.py $(ARGS)

write: $(READY) ## write anew what is made from the code: tables, signatures, drawings, the sync engine
	$(BIN)/python tools/sync_engine.py --write
	$(BIN)/python tools/house.py --write
	$(BIN)/python tools/reference.py --write
	$(BIN)/python tools/forgetting_curve.py --write

clean: ## remove the environment, the caches and the demo's folder
	rm -rf $(VENV) .venv-lock .venv-bootstrap .demo .servers build dist .coverage
	rm -rf .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests tools bench examples -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

lock: ## write requirements/dev.txt anew, with the newest versions; use the oldest Python we support
	PYTHON=$(PYTHON) tools/lock.sh $(LOCK)

$(READY): pyproject.toml $(LOCK) tools/environment.sh
	@PYTHON=$(PYTHON) tools/environment.sh $(VENV)
	@$(BIN)/python -m pip install -qq --requirement $(LOCK)
	@$(BIN)/python -m pip install -qq --no-deps --no-build-isolation --editable .
	@touch $@
