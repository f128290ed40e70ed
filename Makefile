# Two commands: `make lab` to learn, `make test` to check everything. Both set up what they need in .venv, once.

.DEFAULT_GOAL := help
.PHONY: help lab test test-launch test-matrix notebooks publish pictures site bench trials requirements clean

VENV  := .venv
PY    := $(VENV)/bin/python
PIP   := $(PY) -m pip install --quiet --disable-pip-version-check
START := notebooks/00_start_here.ipynb

# Small matrices: several threads wait for each other more than they compute.
export OPENBLAS_NUM_THREADS ?= 1

# The stored outputs were made with Python 3.11, so that one is preferred; each candidate has to run to be chosen.
CANDIDATES := $(or $(PYTHON),python3.11 python3.12 python3.13 python3.14 python3 python)
IS_SUITABLE := import sys, ensurepip, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))

# PYTHON=… that is not the one of .venv: make .venv anew.
ifdef PYTHON
  ifneq ($(shell $(PYTHON) -c 'import sys; print(sys.version)' 2>&1),$(shell $(PY) -c 'import sys; print(sys.version)' 2>&1))
    .PHONY: $(PY)
  endif
endif

PINS := $(PY) -m uv pip compile pyproject.toml --quiet --upgrade --universal --python-version=3.11 \
  --fork-strategy=fewest --no-header --no-annotate
HEADER := \# Written by 'make requirements' from pyproject.toml: change that, not this.

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s%s\n", $$1, $$2}' Makefile
	@echo "  PYTHON=python3.12 chooses the interpreter (3.11 to 3.14); make lab also takes PORT=8890 and BROWSER=none."

lab: $(VENV)/.lab  ## the course in JupyterLab, in your browser (Ctrl-C ends it)
	@exec env BROWSER="$(filter-out none,$(BROWSER))" $(PY) -m jupyterlab \
	  --LabApp.log_level=WARN --ServerApp.log_level=WARN \
	  --LabApp.default_url=/lab/tree/$(START) \
	  $(if $(PORT),--port=$(PORT) --ServerApp.port_retries=0) \
	  $(if $(filter none,$(BROWSER)),--no-browser) \
	  $(if $(filter 0,$(shell id -u)),--allow-root)

test: $(VENV)/.dev  ## every quick check: style, units, all notebooks as they are, the first ones solved in a browser
	$(PY) -m ruff check .
	$(PY) -m pytest -n 2 --no-loadscope-reorder -m "not long"

notebooks: $(VENV)/.lab  ## run the lessons and the pages of trials again, and store their outputs
	$(PY) -m tools.notebooks run

publish: $(PY)  ## write this repository's address everywhere: make publish REPO=owner/name BRANCH=main
	$(PY) -m tools.publish "$(REPO)" "$(or $(BRANCH),main)"

pictures: $(VENV)/.lab  ## draw README's pictures again
	$(PY) -m tools.pictures

site: $(VENV)/.dev  ## the course as a site, in build/site
	$(PY) -m sphinx -c docs . build/site -q -W --keep-going
	@echo "Open build/site/docs/index.html, or serve the folder: $(PY) -m http.server -d build/site"

bench: $(VENV)/.dev  ## measure what the course promises about speed and memory
	$(PY) -m tests.benchmarks

trials: $(VENV)/.dev  ## put the claims on trial again: rows in data/trials, results in the ledger and CLAIMS.md
	$(PY) -m tools.trials
	$(PY) -m tools.claims

test-launch: $(VENV)/.dev  ## every lesson solved, workers through their worst, and each way to launch the course (20 minutes)
	$(PY) -m pytest -n 2 --no-loadscope-reorder -m long
	$(PY) -m pytest -v -s tests/launch

test-matrix: $(VENV)/.dev  ## the tests on other Pythons, versions and processors' kernels, and under load (hours)
	$(PY) -m nox

# What a learner and Binder install, and what the checks need beyond it: alike for all Pythons and platforms.
requirements: $(VENV)/.dev  ## pin the newest versions that pyproject.toml admits
	$(PINS) --extra=lab --extra=test >$(VENV)/course.txt
	$(PINS) --extra=lab --extra=test --extra=dev >$(VENV)/all.txt
	{ echo "$(HEADER)"; echo "-e ."; cat $(VENV)/course.txt; } >requirements.txt
	{ echo "$(HEADER)"; echo "-r requirements.txt"; grep -vxFf $(VENV)/course.txt $(VENV)/all.txt; } >requirements-dev.txt

clean:  ## remove the virtual environments and caches
	rm -rf $(VENV) .nox .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(PY):
	@for python in $(CANDIDATES); do \
	  if "$$python" -c '$(IS_SUITABLE)' 2>/dev/null; then \
	    echo "Making $(VENV) with $$("$$python" --version) …"; \
	    exec "$$python" -m venv --clear $(VENV); \
	  fi; \
	done; \
	echo "Python must be 3.11 to 3.14, with its venv module (for 3.15 there are no packages yet); got none such among:" \
	  "$(CANDIDATES). Install one (on Debian also python3-venv), or name it: make PYTHON=/path/to/python3.12 …" >&2; \
	exit 1

$(VENV)/.lab: $(PY) requirements.txt pyproject.toml
	@echo "Installing JupyterLab and the course into $(VENV): about a minute, once …"
	@$(PIP) -r requirements.txt
	@# No question about Jupyter news between the learner and the first lesson.
	@$(PY) -m jupyter labextension disable --level=sys_prefix "@jupyterlab/apputils-extension:announcements" \
	  >/dev/null 2>&1 || true
	@touch $@

$(VENV)/.dev: $(VENV)/.lab requirements-dev.txt
	@echo "Installing the test tools …"
	@$(PIP) -r requirements-dev.txt
	@touch $@
