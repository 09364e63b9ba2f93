# make setup   .venv with everything the project needs      make demo   install if needed, then teach Push-T: 4 minutes
# make test    every check that no machine is too slow for   make clean  forget the installation
# make test-realtime   the tests that measure time: on a machine with nothing else to do
#
# PYTHON=... picks another interpreter (3.11 or 3.12). TORCH=... picks what pip is told to install for torch, for example
#   make setup TORCH='torch --index-url https://download.pytorch.org/whl/cpu'
# for the smaller build on a machine without a GPU.

SHELL := /bin/bash
PYTHON ?=
TORCH ?= "torch>=2.6,<2.14"
PACKAGES := xvfb xdotool xauth libegl1 libegl-mesa0 libgl1-mesa-dri
BIN := .venv/bin
READY := .venv/.ready

.PHONY: setup system demo test test-realtime clean
.DELETE_ON_ERROR:

setup: system $(READY)

# The virtual display and the tool that types into it, for tests of the window, and OpenGL, to draw robot arms;
# everything else runs without them.
system:
	@command -v Xvfb >/dev/null && command -v xdotool >/dev/null && command -v xauth >/dev/null \
	  && { ! command -v ldconfig >/dev/null || ldconfig -p | grep -q libEGL_; } && exit 0; \
	if command -v apt-get >/dev/null; then \
	  install="apt-get install -y --no-install-recommends $(PACKAGES)"; \
	  if [ "$$(id -u)" = 0 ]; then as=""; \
	  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then as="sudo -n"; \
	  else echo "To test the window too, run: sudo apt-get update && sudo $$install"; exit 0; fi; \
	  export DEBIAN_FRONTEND=noninteractive; \
	  { $$as apt-get update -qq && $$as env DEBIAN_FRONTEND=noninteractive $$install >/dev/null; } \
	    || echo "The system packages could not be installed; to test the window too, install: $(PACKAGES)"; \
	else echo "To test the window too, install Xvfb, xdotool, xauth and EGL with your system's package manager."; fi

# Torch by itself first: it is the big one, and the build chosen with TORCH is then the one that is kept.
$(READY): pyproject.toml
	@if [ ! -x $(BIN)/python ]; then \
	  for python in $(PYTHON) python3.12 python3.11 python3 python; do \
	    if $$python -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' 2>/dev/null; \
	    then found=$$python; break; fi; \
	    if [ "$$python" = "$(PYTHON)" ]; then \
	      echo "PYTHON=$(PYTHON) is not a Python 3.11 or 3.12 with venv" >&2; exit 2; fi; \
	  done; \
	  if [ -z "$$found" ]; then \
	    echo "No Python 3.11 or 3.12 with venv found; install one (Debian, Ubuntu: python3 python3-venv) or give PYTHON=..." >&2; \
	    exit 2; fi; \
	  $$found -m venv .venv; \
	fi
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet $(TORCH)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

demo: setup
	$(BIN)/hitl-clic demo

test: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal -m "not realtime" --junitxml build/tests.xml

test-realtime: setup
	$(BIN)/python -m pytest -m realtime --junitxml build/tests_realtime.xml

clean:
	rm -rf .venv build *.egg-info
