# closedwon: every target sets up what it needs; a bare machine with Python 3.11+ and make is enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
UV := $(shell command -v uv 2>/dev/null)
export PYTHONWARNINGS := default

.PHONY: help demo test check fix docs bench pins clean
help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/  -/'

$(READY): pyproject.toml requirements/dev.txt
	@echo "==> setting up $(VENV) (once; needs a package index)"
ifneq ($(UV),)
	@test -x $(BIN)/python || $(UV) venv --quiet --python $(PYTHON) $(VENV)
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps -e .
else
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
endif
	@touch $@

demo: $(READY) ## the main job end to end on the embedded default, offline
	@echo "==> closedwon demo: a closed-won deal becomes a billed contract, and back"
	@$(BIN)/closedwon demo

test: check ## lint, types, import contracts, then every test
	@echo "==> tests"
	@$(BIN)/python -m pytest -n 2 --dist loadfile

check: $(READY) ## lint, format, types, import contracts
	@echo "==> ruff, mypy, import contracts"
	@$(BIN)/ruff check -q .
	@$(BIN)/ruff format -q --check .
	@$(BIN)/mypy --no-error-summary
	@PYTHONPATH=src $(BIN)/lint-imports --no-cache > .lint-imports.log || (cat .lint-imports.log; exit 1)

fix: $(READY) ## format and apply safe lint fixes
	@$(BIN)/ruff format -q .
	@$(BIN)/ruff check -q --fix .

docs: $(READY) ## write the generated pages under docs/ anew
	@cd tests && ../$(BIN)/python -m api.examples
	@$(BIN)/closedwon docs --out docs
	@$(BIN)/python -m tests.rules
	@PYTHONPATH=tests $(BIN)/python -m compatibility

bench: $(READY) ## ratios against a baseline in the same run
	@$(BIN)/python -m benchmarks

pins: ## resolve requirements/dev.txt anew (needs uv)
	@uv pip compile -q pyproject.toml --group dev --generate-hashes --universal --no-header --no-annotate --no-emit-index-url -o requirements/dev.txt

clean: ## remove what the targets made
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .lint-imports.log demo-out
