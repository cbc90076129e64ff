# make demo: a heat map of a photograph and an int8 file of the model, from a fresh clone. make test: every test that
# needs no GPU. make test-install: the size of the base install, and a prediction in it. make test-android: the checks of
# the phone app, with Maven. make apk: the app, to be tried on a phone. make web: the browser page; make serve: on this
# machine; make test-web: its checks, in Chromium.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := setup.cfg pyproject.toml

.PHONY: demo test test-install test-android apk web serve test-web lint clean

# A stamp for each set of packages: they are installed once, and again when setup.cfg changes.
$(VENV)/.run: $(SOURCES)
	@$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info < (3, 14) else "TensorFlow and Keras need Python 3.11 to 3.13: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -qq --upgrade pip
	$(BIN)/python -m pip install -qq --editable ".[train]"
	touch $@

$(VENV)/.dev: $(VENV)/.run
	$(BIN)/python -m pip install -qq --editable ".[dev]"
	touch $@

demo: $(VENV)/.run
	$(BIN)/python examples/demo.py demo

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2

# Some 375 MB, 32 of them SalGAN; with TensorFlow it would be 2.8 GB.
test-install:
	rm -rf build/install
	$(PYTHON) -m venv build/install
	build/install/bin/python -m pip install -qq .
	build/install/bin/salgan-tf predict docs/demo.jpg --out build/install/maps
	du -sm build/install && test $$(du -sm build/install | cut -f1) -le 385

test-android:
	mvn --batch-mode --no-transfer-progress --file android_demo test

apk:
	mvn --batch-mode --no-transfer-progress --file android_demo --activate-profiles apk package

web_demo/node_modules/.run: web_demo/package-lock.json
	npm --prefix web_demo ci --silent --no-audit --no-fund
	touch $@

web: web_demo/node_modules/.run
	npm --prefix web_demo run --silent build

serve: web
	npm --prefix web_demo run --silent serve

test-web: web $(VENV)/.dev
	web_demo/test/chromium > /dev/null
	npm --prefix web_demo run --silent check
	$(BIN)/python web_demo/test/pictures.py build/web
	PICTURES=$(CURDIR)/build/web npm --prefix web_demo test

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) android_demo/target web_demo/dist web_demo/node_modules demo build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
