# Every target prepares what it needs: a virtual environment from the hashed locks under requirements/.
# Where packages come from is pip's own configuration; nothing here names an index.

.DEFAULT_GOAL := help
SHELL := /bin/sh

VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
# More than two cores have: many tests wait for a process or for a time-out, not for a core.
WORKERS ?= 4
# A file is a worker's own: its tests share a served world, or a built wheel. A worker that crashed is not replaced, as
# xdist then waits for ever for what the old one was still to run.
SHARED = -n $(WORKERS) --dist loadfile --max-worker-restart 0

# What has a target of its own.
FAST := not thorough and not browser and not faults and not attacks and not matrix and not chart and not image and not kube and not watch

# The machine's own python3 when it will do, else the newest that will; PYTHON=… decides otherwise.
CANDIDATES := $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11)
SUITABLE := import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))

export PIP_DISABLE_PIP_VERSION_CHECK := 1
# The suite starts hundreds of programs, and each would compile us anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test test-thorough test-browser test-faults soak test-attacks matrix lint types contracts bench coverage docs test-watch pictures chart chart-readme test-image test-kube image sbom lock wheel clean

help:
	@printf '%s\n' \
	  'make demo [ARGS=--once]  show one exchange end to end on this machine' \
	  'make test [ARGS=…]       the suite, with branch coverage of the core rooms' \
  'make test-thorough       what searches far, or installs what it tries: the demo and its environment, SDKs, fuzzing' \
	  'make test-faults         what outages, rotations and floods do to a running service, measured (some minutes)' \
	  'make soak [MINUTES=60]   an hour of everything that happens, and what then grows' \
	  'make test-attacks        every threat tried from outside, in tables, and by the published OpenAPI documents' \
	  'make test-watch          every panel and rule before a real Prometheus, under a load in which much goes wrong' \
	  'make pictures            draw the dashboards anew from what it answers' \
	  'make chart               the chart, by the real helm and linters' \
	  'make test-kube           the chart, the webhook and tokens at a real API server (built when first wanted)' \
	  'make matrix              every client of docs/clients.md through every door, and what came of it in there' \
	  'make lint                ruff, mypy and the import contracts' \
	  'make bench [ARGS=…]      speed, growth and cost in eight parts, each a ratio or a count taken in one run' \
	  'make docs                write schemas and tables anew and check what the documents show' \
	  'make wheel               build the wheel into dist/' \
	  'make vend.pyz            the client as one file that any Python 3.11 or newer runs' \
	  'make image [BASE=…]      build the image, and list what is in it in dist/vendor.cdx.json' \
	  'make lock                resolve requirements/*.txt anew from pyproject.toml' \
	  'make clean               remove everything that is not in the repository'

$(BIN)/python:
	@found=; for candidate in $(CANDIDATES); do \
	  if "$$candidate" -c '$(SUITABLE)' >/dev/null 2>&1; then found=$$candidate; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo 'This needs Python 3.11 to 3.14 with its venv module, and none of these is one: $(CANDIDATES)' >&2; \
	  echo 'Install one (on Debian: python3 and python3-venv), or name it: make PYTHON=/path/to/python3 …' >&2; \
	  exit 1; \
	fi; \
	echo "Making $(VENV) with $$("$$found" --version)"; \
	"$$found" -m venv $(VENV)

# $(1): which lock. The build back-end stands in the lock too, so nothing is fetched without a hash. The lock is
# complete, so nothing is resolved: pip would look at the newest release of what is asked for with an extra, and refuse.
define install
	@echo 'Installing requirements/$(1).txt into $(VENV)'
	@$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements/$(1).txt
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m pip check --quiet
endef

$(VENV)/.dev: $(BIN)/python requirements/dev.txt pyproject.toml
	$(call install,dev)
	@touch $(VENV)/.dev $(VENV)/.demo

# What the suite's environment has, the demo's need not install again.
$(VENV)/.demo: $(BIN)/python requirements/demo.txt pyproject.toml
	$(call install,demo)
	@touch $@

demo: $(VENV)/.demo
	@$(BIN)/vendor demo $(ARGS)

# Files with slow tests begin first.
test: $(VENV)/.dev
	@mkdir -p .cache
	$(BIN)/python -m pytest $(SHARED) --no-loadscope-reorder -m '$(FAST)' $(if $(ARGS),,-p tests.covered) --junitxml=.cache/tests.xml $(ARGS)
	@$(if $(ARGS),echo 'Coverage is judged on the whole suite only',$(MAKE) --no-print-directory coverage)

# A minute or two that nobody should wait for at each change.
test-thorough: $(VENV)/.dev
	@mkdir -p .cache
	$(BIN)/python -m pytest $(SHARED) -m thorough --junitxml=.cache/thorough.xml $(ARGS)

# One after another: what is measured stands no neighbours. What was measured goes into the document, of a run that
# failed too; what did not run keeps its line there.
test-faults: $(VENV)/.dev
	@mkdir -p .cache && rm -f .cache/faults.xml
	@$(BIN)/python -m pytest -m 'faults or simulated' -p no:randomly --junitxml=.cache/faults.xml \
	  tests/faults tests/leases/test_fleet.py $(ARGS); ended=$$?; \
	test ! -f .cache/faults.xml || $(BIN)/python -m tests.faults.report .cache/faults.xml docs/faults.md || ended=1; \
	exit $$ended

# Schemathesis has thirty packages of its own and lives apart.
.cache/attacks/bin/schemathesis: requirements/attacks.txt | $(BIN)/python
	@$(BIN)/python -m venv .cache/attacks
	@.cache/attacks/bin/python -m pip install --quiet --no-deps --require-hashes -r requirements/attacks.txt

# Everything that happens at once and again, and what the service holds each minute.
MINUTES ?= 60

soak: $(VENV)/.dev
	@$(BIN)/python -m tests.faults.soak --minutes $(MINUTES)

test-attacks: $(VENV)/.dev .cache/attacks/bin/schemathesis
	$(BIN)/python -m pytest $(SHARED) -n 2 -m attacks tests/attacks $(ARGS)

# The page in headless Chromium (Debian's chromium and chromium-driver; npm for the accessibility checker).
test-browser: $(VENV)/.dev
	$(BIN)/python -m pytest -m browser tests/browser $(ARGS)

# Dashboards and rules before a real Prometheus that scrapes real replicas: needs Debian's packages prometheus and prometheus-alertmanager.
test-watch: $(VENV)/.dev
	$(BIN)/python -m pytest -m watch -p no:randomly tests/watch $(ARGS)

# The dashboards of docs/operations.md, drawn from what that Prometheus answers.
pictures: $(VENV)/.dev
	$(BIN)/python -m tests.watch.live

# The real helm, schemas of several Kubernetes versions and a policy linter, installed under .cache when first wanted.
chart: $(VENV)/.dev
	$(BIN)/python -m pytest -n $(WORKERS) --max-worker-restart 0 -m chart tests/helm $(ARGS)

# A built image, run with a read-only root: needs buildah, podman, runc and mmdebstrap of Debian's.
test-image: $(VENV)/.dev
	$(BIN)/python -m pytest -m image tests/test_image.py $(ARGS)

# A real API server, which KUBE_APISERVER names; without, one is built under .cache/kube of Debian 12's sources, as root.
test-kube: $(VENV)/.dev
	@command -v etcd >/dev/null || { echo 'This needs etcd: apt-get install etcd-server' >&2; exit 1; }
	$(BIN)/python -m pytest -m kube -p no:randomly tests/kubernetes $(ARGS)

chart-readme: $(VENV)/.dev
	$(BIN)/python -m tests.helm.readme

# Every client through every door (some minutes, and half a gigabyte of clients); what came of it goes into the document.
matrix: $(VENV)/.dev
	@mkdir -p .cache
	$(BIN)/python -m pytest -n 2 --dist loadfile -m matrix --junitxml=.cache/matrix.xml tests/sdk
	@$(BIN)/python -m tests.sdk.report .cache/matrix.xml docs/clients.md

# Of the suite's last whole run.
coverage: $(VENV)/.dev
	@if ls .coverage.* >/dev/null 2>&1; then $(BIN)/python -m coverage combine --quiet; fi
	@$(BIN)/python -m coverage report --fail-under=100

lint: types contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/.dev
	$(BIN)/mypy

contracts: $(VENV)/.dev
	$(BIN)/lint-imports --no-logo

bench: $(VENV)/.dev
	@$(BIN)/python -m tests.benchmarks $(ARGS)

docs: $(VENV)/.dev
	@mkdir -p .cache
	$(BIN)/vendor schema > .cache/vendor.schema.json
	mv .cache/vendor.schema.json config/vendor.schema.json
	$(BIN)/vendor schema audit > .cache/audit.schema.json && mv .cache/audit.schema.json docs/audit.schema.json
	$(BIN)/python -m tests.metrics_page
	@for each in openapi openapi-operators; do \
	  $(BIN)/vendor schema $$each > .cache/$$each.json && mv .cache/$$each.json docs/$$each.json || exit 1; \
	done
	$(BIN)/python -m pytest -q tests/test_docs.py

wheel: $(VENV)/.dev
	$(BIN)/python -m build --wheel --no-isolation --outdir dist

# Compiled for this Python; another one reads the sources that lie beside.
vend.pyz: pyproject.toml vendor/__init__.py $(wildcard vendor/client/*.py vendor/client/*/*.py)
	@rm -rf .cache/pyz && mkdir -p .cache/pyz/vendor
	@cp vendor/__init__.py .cache/pyz/vendor/ && cp -r vendor/client .cache/pyz/vendor/
	@cp vendor/client/__main__.py .cache/pyz/ && find .cache/pyz -name __pycache__ -prune -exec rm -rf {} +
	@mkdir .cache/pyz/credential_vendor.dist-info  # for --version
	@sed -n 's/^version = "\(.*\)"/Version: \1/p' pyproject.toml > .cache/pyz/credential_vendor.dist-info/METADATA
	@$(or $(PYTHON),python3) -m compileall -q -b --invalidation-mode unchecked-hash .cache/pyz/vendor
	@$(or $(PYTHON),python3) -m zipapp .cache/pyz --python '/usr/bin/env python3' --output $@

# The image, by whichever builder there is; BASE names another base image, BUILD_ARGS whatever else the builder wants.
IMAGE ?= credential-vendor:$(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
BASE ?=
BUILD_ARGS ?=

image:
	@builder=$$(for each in docker podman buildah; do command -v $$each && break; done); \
	if [ -z "$$builder" ]; then echo 'This needs docker, podman or buildah' >&2; exit 1; fi; \
	set -x; $$builder build $(BUILD_ARGS) $(if $(BASE),--build-arg BASE=$(BASE)) \
	  --build-arg VERSION=$(lastword $(subst :, ,$(IMAGE))) --build-arg REVISION=$$(git rev-parse HEAD) --tag $(IMAGE) .
	@$(MAKE) --no-print-directory sbom

# What the image installs, as a CycloneDX document; the tool has twenty packages of its own and lives apart.
.cache/sbom/bin/cyclonedx-py: requirements/sbom.txt | $(BIN)/python
	@$(BIN)/python -m venv .cache/sbom
	@.cache/sbom/bin/python -m pip install --quiet --no-deps --require-hashes -r requirements/sbom.txt

sbom: .cache/sbom/bin/cyclonedx-py
	@mkdir -p dist
	.cache/sbom/bin/cyclonedx-py requirements requirements/server.txt --pyproject pyproject.toml --mc-type application \
	  --output-reproducible --output-file dist/vendor.cdx.json

COMPILE = CUSTOM_COMPILE_COMMAND='make lock' $(BIN)/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe \
  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host
BUILD := --build-deps-for wheel --build-deps-for editable

# The lowest supported Python resolves; what it chose installs on the others too. UPGRADE=--upgrade takes the newest.
lock: $(VENV)/.dev
	$(COMPILE) $(UPGRADE) --extra dev $(BUILD) --output-file requirements/dev.txt pyproject.toml
	$(COMPILE) --extra demo $(BUILD) --constraint requirements/dev.txt --output-file requirements/demo.txt pyproject.toml
	$(COMPILE) --extra server --constraint requirements/dev.txt --output-file requirements/server.txt pyproject.toml
	$(COMPILE) --only-build-deps --build-deps-for wheel --constraint requirements/dev.txt --output-file requirements/build.txt pyproject.toml
	$(COMPILE) --extra sbom --output-file requirements/sbom.txt pyproject.toml
	$(COMPILE) --extra attacks --output-file requirements/attacks.txt pyproject.toml

clean:
	rm -rf $(VENV) vend.pyz .cache .demo build dist *.egg-info .coverage .coverage.* \
	  .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find vendor tests -name __pycache__ -type d -prune -exec rm -rf {} +
