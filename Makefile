# `make help` says what there is. Everything lives in virtual environments under .venv/, made when
# first needed, made again when pyproject.toml or the Python changes; nothing is installed elsewhere.
.SHELLFLAGS := -euc
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
VENVS ?= .venv
ARGS ?=
FUZZ ?= 50

SOURCES := CMakeLists.txt README.md LICENSE $(shell find cmake csrc python -type f -not -path '*/__pycache__/*')
CXX_SOURCES := $(filter %.cpp %.hpp,$(SOURCES)) $(wildcard examples/*/*.cpp tests/compiled/*.c)
export CMAKE_BUILD_PARALLEL_LEVEL ?= $(shell getconf _NPROCESSORS_ONLN)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# Environments carry the version of their Python in the stamp's name: another PYTHON makes them anew.
VERSION := $(shell $(PYTHON) -c 'import platform; print(platform.python_version())' 2>/dev/null)
MADE := made-$(VERSION)

.PHONY: help demo test fuzz test-oldest bench lint dev format asan tsan clean check-machine

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 13
	@echo
	@echo "make test ARGS='-k fork'      arguments for pytest, aecore demo or benchmarks.bench"
	@echo "make demo PYTHON=python3.12   another interpreter"

demo: $(VENVS)/demo/installed ## install into an environment of its own, train, write aecore-demo/
	$(VENVS)/demo/bin/aecore demo $(ARGS)

test: $(VENVS)/test/installed ## install into an environment of its own and run the tests
	$(call run_tests,$(VENVS)/test/bin/python -m pytest $(ARGS))

fuzz: $(VENVS)/test/installed ## the fuzz targets with new examples, FUZZ=50 times as many as in the tests
	AECORE_FUZZ=$(FUZZ) OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 \
	$(VENVS)/test/bin/python -m pytest tests/fuzz -n auto --timeout 0 $(ARGS)

test-oldest: ## the contract, file and training tests with the lowest versions and the oldest Python
	@$(MAKE) --no-print-directory oldest PYTHON="$(oldest_python)"

.PHONY: oldest
oldest: $(VENVS)/oldest/installed
	@echo "the lowest versions, on Python $(VERSION): $$(tr '\n' ' ' < $(VENVS)/oldest/lowest.txt)"
	$(call run_tests,$(VENVS)/oldest/bin/python -m pytest tests/contract tests/files tests/training $(ARGS))

bench: $(VENVS)/asv/installed ## measure every workload with asv, aecore beside NumPy (docs/benchmarks-asv.md)
	$(VENVS)/asv/bin/python -m benchmarks.bench $(ARGS)

lint: $(VENVS)/lint/$(MADE) dev ## ruff, mypy, import-linter, clang-format, and a build whose warnings are errors
	$(VENVS)/lint/bin/ruff check .
	$(VENVS)/lint/bin/ruff format --check .
	$(VENVS)/lint/bin/mypy
	PYTHONPATH=python $(VENVS)/lint/bin/lint-imports --no-cache
	$(VENVS)/lint/bin/clang-format --dry-run -Werror $(CXX_SOURCES)

dev: $(VENVS)/lint/$(MADE) ## compile the C++ into build/dev, warnings are errors
	$(call cmake_build,dev)

format: $(VENVS)/lint/$(MADE) ## rewrite Python and C++ in the project's format
	$(VENVS)/lint/bin/ruff check --fix .
	$(VENVS)/lint/bin/ruff format .
	$(VENVS)/lint/bin/clang-format -i $(CXX_SOURCES)

# Tests on all cores, each on one of them unless it asks for more; then those that want the machine
# for themselves. ARGS may select from one of the two alone: pytest's 5 says that nothing was found.
define run_tests
status=0; OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 \
$1 -n auto --dist loadgroup -m "not timing and not alone" || status=$$?; \
alone=0; $1 -m "timing or alone" || alone=$$?; \
case "$$status $$alone" in "0 0" | "0 5" | "5 0") ;; *) exit 1;; esac
endef

# PYTHON, if it was given, or the oldest of the Pythons here that aecore supports.
oldest_python = $(if $(filter file,$(origin PYTHON)),$(shell \
  for minor in 10 11 12 13 14; do \
    for python in python3.$$minor "$$HOME"/.pyenv/versions/3.$$minor.*/bin/python3; do \
      "$$python" -c '' 2>/dev/null && echo "$$python" && exit; \
    done; \
  done; echo python3),$(PYTHON))

# The sanitizers' run-time libraries have to be there before Python is, and with them libstdc++,
# whose exceptions they watch; pytest leaves the file descriptor of stderr alone, or their reports
# would be lost with the process they end.
sanitizer = LD_PRELOAD="$$($(compiler) -print-file-name=$1) $$($(compiler) -print-file-name=libstdc++.so)"
sanitized_pytest = -m pytest -m "not timing" --capture=sys --timeout 600 $(ARGS)

asan: $(VENVS)/asan/installed ## the tests under AddressSanitizer and UndefinedBehaviorSanitizer
	$(call sanitizer,libasan.so) ASAN_OPTIONS=detect_leaks=0 \
	UBSAN_OPTIONS=print_stacktrace=1 $(VENVS)/asan/bin/python $(sanitized_pytest)

tsan: $(VENVS)/tsan/installed ## the tests under ThreadSanitizer, with threads of the standard library
	$(call sanitizer,libtsan.so) TSAN_OPTIONS=suppressions=$(CURDIR)/cmake/tsan.supp \
	setarch --addr-no-randomize $(VENVS)/tsan/bin/python $(sanitized_pytest)

clean: ## remove environments, builds and what the demo wrote
	rm -rf $(VENVS) build dist aecore-demo .mypy_cache .pytest_cache .ruff_cache

# --- environments ----------------------------------------------------------------------------------
compiler = $${CXX:-$$(command -v c++ || command -v g++ || command -v clang++)}

check-machine:
	@case '$(VERSION)' in [0-9]*.*) ;; *) \
	  echo "PYTHON=$(PYTHON) does not run: install Python 3.10 or newer, or name one: make PYTHON=/path/to/python3" >&2; exit 1;; esac
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
	  echo "aecore needs Python 3.10 or newer; $(PYTHON) is $(VERSION). Name another one: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) has no venv module: install it (Debian, Ubuntu: apt install python3-venv)" >&2; exit 1; }
	@test -n "$(compiler)" || { \
	  echo "no C++ compiler found: install one (Debian, Ubuntu: apt install g++) or name it: CXX=/path/to/c++ make" >&2; exit 1; }
	@test -f "$$($(PYTHON) -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" || { \
	  echo "$(PYTHON) has no Python.h: install its headers (Debian, Ubuntu: apt install python3-dev)" >&2; exit 1; }

$(VENVS)/%/$(MADE): pyproject.toml | check-machine
	rm -rf $(@D)
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(if $(filter lint asv,$*),$(@D)/bin/python -m pip install --quiet --group $*)
	@touch $@

$(VENVS)/demo/installed: $(VENVS)/demo/$(MADE) $(SOURCES)
	$(call pip_install,demo)

$(VENVS)/test/installed: $(VENVS)/test/$(MADE) $(SOURCES)
	$(call pip_install,test)

$(VENVS)/oldest/installed: $(VENVS)/oldest/$(MADE) tests/support/oldest.py $(SOURCES)
	$(@D)/bin/python tests/support/oldest.py > $(@D)/lowest.txt
	$(@D)/bin/python -m pip install --quiet --only-binary :all: -r $(@D)/lowest.txt
	$(call pip_install)

$(VENVS)/asv/installed: $(VENVS)/asv/$(MADE) $(SOURCES)
	$(call pip_install)

$(VENVS)/asan/installed: $(VENVS)/asan/$(MADE) $(SOURCES) CMakePresets.json
	$(call pip_install,test,asan)

$(VENVS)/tsan/installed: $(VENVS)/tsan/$(MADE) $(SOURCES) CMakePresets.json
	$(call pip_install,test,tsan)

# $(call pip_install[,extra[,preset]]): a preset's build keeps its symbols and a directory of its own
define pip_install
$(@D)/bin/python -m pip install --quiet $(if $2,--config-settings=cmake.args=--preset=$2 \
  --config-settings=cmake.build-type=RelWithDebInfo --config-settings=install.strip=false \
  --config-settings=build-dir=build/$2-{wheel_tag}) '.$(if $1,[$1])'
@touch $@
endef

define cmake_build
PATH="$(abspath $(VENVS)/lint/bin):$$PATH" cmake --preset $1 -DPython_EXECUTABLE=$(abspath $(VENVS)/lint/bin/python) --log-level=WARNING
unset MAKEFLAGS MAKELEVEL; PATH="$(abspath $(VENVS)/lint/bin):$$PATH" cmake --build --preset $1 --parallel $(CMAKE_BUILD_PARALLEL_LEVEL)
endef
