# make install   .venv with the command fundwatch
# make demo      a small county is simulated, replayed, and its alerts are shown; another is watched live
# make test      everything that must hold
# make bench     how fast, on this machine
# make kafka     a real Kafka on 127.0.0.1:9092, topics made, without containers
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: install demo test lint lock bench kafka kafka-ready postgresql-ready promtool clean

install: $(STAMP)

$(STAMP): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "fundwatch needs Python 3.11 or newer; set PYTHON=…"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: install
	@deploy/demo.sh $(BIN)

test: lint kafka-ready postgresql-ready promtool
	$(BIN)/python -m pytest -n 2 --cov --cov-report=term

# What the tests check Prometheus rules and metrics with.
promtool: install
	@deploy/promtool.sh $(BIN)

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Dependencies by exact version and hash, for every platform.
lock:
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --generate-hashes --no-header --quiet --output-file requirements.lock

bench: install
	$(BIN)/python -m benchmarks

# What a real Kafka needs: Java, Maven and its jars; installed where that may be done.
kafka-ready: install
	@$(BIN)/python -m deploy.kafka fetch

postgresql-ready:
	@deploy/postgresql/ready.sh

kafka: install
	@$(BIN)/python -m deploy.kafka run

clean:
	rm -rf $(VENV) demo .kafka .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage*
