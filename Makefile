# make run [SPACE=attention] [PORT=7860]   serve a Space at http://127.0.0.1:7860
# make test [PYTEST_ARGS="-k name"]        style, types, layers and all tests
# make style                               put the code into the house style
# make bench [SPACE=attention]             measure the speed that the README states
# make publish                             assemble every Space in build/ as the Hub will see it
#
# Each of them creates .venv and installs what it needs, once.

SPACE ?= attention
PORT ?= 7860
SPACES := $(patsubst spaces/%/app.py,%,$(wildcard spaces/*/app.py))
BIN := .venv/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
GOOD := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14 python; do \
	$$p -c "$(GOOD)" 2>/dev/null && echo $$p && break; done)
define PREPARE
test -n "$(PYTHON)" && $(PYTHON) -c "$(GOOD)" 2>/dev/null || { \
	echo "Glasshouse needs Python 3.11 or newer; install it, or name it: make PYTHON=/path/to/python3"; exit 1; }; \
	$(PYTHON) scripts/environment.py
endef

.PHONY: run test style bench publish
.DEFAULT_GOAL := run

run: .venv/ready-to-run
	@test -f spaces/$(SPACE)/app.py || { echo "There is no Space named '$(SPACE)'; choose one of: $(SPACES)"; exit 1; }
	@GRADIO_SERVER_PORT=$(PORT) $(BIN)/python spaces/$(SPACE)/app.py

test: .venv/ready-to-test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

style: .venv/ready-to-test
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: .venv/ready-to-test
	$(BIN)/python scripts/bench.py $(SPACE)

publish: .venv/ready-to-run
	rm -rf build
	@for space in $(SPACES); do $(BIN)/python scripts/publish.py stage $$space build/$$space || exit 1; done

.venv/ready-to-run: pyproject.toml constraints.txt
	@$(PREPARE)

.venv/ready-to-test: pyproject.toml constraints.txt
	@$(PREPARE) test
