# Everything from a fresh clone: `make bench` runs the benchmark, `make test` checks the project.
# Set-up happens in .venv, and again only when the two files that describe it change.

PYTHON ?= python3
BIN := .venv/bin
WHEELS := .venv/wheels
READY := .venv/ready

.PHONY: bench test docs lowest
bench: $(READY)
	$(BIN)/ntm-envs bench

test: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --strict
	$(BIN)/lint-imports --no-logo
	$(BIN)/pytest --numprocesses auto --dist worksteal

# The environments with the lowest versions that pyproject.toml permits; needs a network, and is not part of `test`.
LOWEST := .venv/lowest
lowest:
	$(PYTHON) -m venv --clear $(LOWEST)
	$(LOWEST)/bin/pip install pytest hypothesis $$($(PYTHON) -c 'import tomllib; \
	  project = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
	  bounds = project["dependencies"] + project["optional-dependencies"]["render"]; \
	  print(*(bound.replace(">=", "==") for bound in bounds))')
	$(LOWEST)/bin/python -m pytest tests/envs

# The documentation: open build/site/index.html.
docs: $(READY)
	rm -rf build/site
	$(BIN)/sphinx-build --fail-on-warning --quiet --doctree-dir build/doctrees docs build/site

# The wheels are kept, because the tests of the packaging install from them without a network.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "This needs Python 3.11 or newer with its venv module; '$(PYTHON)' is not that. To get it:"; \
	  echo "  Debian, Ubuntu  sudo apt install python3 python3-venv"; \
	  echo "  macOS           brew install python"; \
	  echo "  elsewhere       https://www.python.org/downloads/"; \
	  echo "If you have it under another name, say so: make $(MAKECMDGOALS) PYTHON=python3.12"; \
	  exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip download --dest $(WHEELS) --constraint constraints.txt setuptools '.[dev]'
	$(BIN)/pip install --no-index --find-links $(WHEELS) --constraint constraints.txt --editable '.[dev]'
	touch $(READY)
