# Two commands: `make lab` to learn, `make test` to check everything. Both set up what they need in .venv, once.

.DEFAULT_GOAL := help
.PHONY: help lab test test-matrix notebooks bench requirements clean

VENV  := .venv
PY    := $(VENV)/bin/python
PIP   := $(PY) -m pip install --quiet --disable-pip-version-check
START := notebooks/00_start_here.ipynb

# Small matrices: several threads wait for each other more than they compute.
export OPENBLAS_NUM_THREADS ?= 1

# The stored outputs were made with Python 3.11, so that one is preferred; each candidate has to run to be chosen.
CANDIDATES := $(or $(PYTHON),python3.11 python3.12 python3.13 python3 python)
IS_SUITABLE := import sys, ensurepip, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))

# PYTHON=… that is not the one of .venv: make .venv anew.
ifdef PYTHON
  ifneq ($(shell $(PYTHON) -c 'import sys; print(sys.version)' 2>&1),$(shell $(PY) -c 'import sys; print(sys.version)' 2>&1))
    .PHONY: $(PY)
  endif
endif

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s%s\n", $$1, $$2}' Makefile
	@echo "  PYTHON=python3.12 chooses the interpreter (3.11 to 3.13); make lab also takes PORT=8890 and BROWSER=none."

lab: $(VENV)/.lab  ## the course in JupyterLab, in your browser (Ctrl-C ends it)
	@exec env BROWSER="$(filter-out none,$(BROWSER))" $(PY) -m jupyterlab \
	  --LabApp.log_level=WARN --ServerApp.log_level=WARN \
	  --LabApp.default_url=/lab/tree/$(START) \
	  $(if $(PORT),--port=$(PORT) --ServerApp.port_retries=0) \
	  $(if $(filter none,$(BROWSER)),--no-browser) \
	  $(if $(filter 0,$(shell id -u)),--allow-root)

test: $(VENV)/.dev  ## every check: style, units, notebooks (as they are, and solved), browser
	$(PY) -m ruff check .
	$(PY) -m pytest -n 2 --no-loadscope-reorder

notebooks: $(VENV)/.lab  ## run the lessons again and store their outputs
	$(PY) -m tools.notebooks run

bench: $(VENV)/.dev  ## measure what the course promises about speed and memory
	$(PY) -m tests.benchmarks

test-matrix: $(VENV)/.dev  ## the tests on the newest and the lowest versions, and as on Colab (slow)
	$(PY) -m tools.matrix

requirements: $(VENV)/.dev  ## pin the newest versions that pyproject.toml admits
	$(PY) -m tools.requirements

clean:  ## remove the virtual environments and caches
	rm -rf $(VENV) .venv-matrix .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(PY):
	@for python in $(CANDIDATES); do \
	  if "$$python" -c '$(IS_SUITABLE)' 2>/dev/null; then \
	    echo "Making $(VENV) with $$("$$python" --version) …"; \
	    exec "$$python" -m venv --clear $(VENV); \
	  fi; \
	done; \
	echo "No Python 3.11, 3.12 or 3.13 with its venv module found among: $(CANDIDATES). Install one (on Debian" \
	  "also python3-venv), or name it: make PYTHON=/path/to/python3.12 …" >&2; \
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
