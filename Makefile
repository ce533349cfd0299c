# make install   .venv with the command fundwatch
# make demo      a small county is simulated, replayed, and its alerts are shown; models say whom to visit first in another; a third is watched live
# make demo-kafka  the live part over a real Kafka: a claim is cancelled, and its alert goes
# make test      everything that must hold
# make coverage  the same, and which lines no test runs
# make soak      the live part through kills, moves and bad input (SEED=1 MINUTES=12)
# make bench     how fast, on this machine
# make bench-live  how fast the live part is
# make bench-anomaly  what the anomaly models are worth and cost (ONLY=honest,fraud,leakage,speed)
# make kafka     a real Kafka on 127.0.0.1:9092, topics made, without containers
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: install demo demo-kafka test coverage lint lock soak bench bench-live bench-anomaly kafka kafka-ready postgresql-ready promtool clean

install: $(STAMP)

$(STAMP): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "fundwatch needs Python 3.11 or newer; set PYTHON=…"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: install
	@deploy/demo.sh $(BIN)

demo-kafka: kafka-ready
	@deploy/demo-kafka.sh $(BIN)

TESTED := lint kafka-ready postgresql-ready promtool
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadgroup

test: $(TESTED)
	$(PYTEST)

# To trace each line takes a quarter of the time again.
coverage: $(TESTED)
	$(PYTEST) --cov --cov-report=term

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

SEED ?= 1
MINUTES ?= 12

# Promise 7, the long form; its last line says what was done and how many alerts differ from the replay's.
soak: kafka-ready
	$(BIN)/python -m tests.live.soak --seed $(SEED) --minutes $(MINUTES)

bench-live: kafka-ready
	$(BIN)/python -m benchmarks.live

ONLY ?= honest,fraud,leakage,speed

bench-anomaly: install
	$(BIN)/python -m benchmarks.anomaly --only $(ONLY)

# What a real Kafka needs: Java, Maven and its jars; installed where that may be done.
kafka-ready: install
	@$(BIN)/python -m deploy.kafka fetch

postgresql-ready:
	@deploy/postgresql/ready.sh

kafka: install
	@$(BIN)/python -m deploy.kafka run

clean:
	rm -rf $(VENV) demo bench-anomaly .kafka .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage*
