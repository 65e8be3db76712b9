# The verbs of cupel.  `make demo` and `make test` are all a newcomer needs:
# both install what they need (Debian 12, Ubuntu 24.04) and build.
#
#   make demo      run the Open Library pipeline on a small local server
#   make test      everything: units, simulation, PostgreSQL, Kafka, the binary
#   make build     the release binary: build/cupel
#   make torture   chaos on real brokers, the long form: about an hour
#   make compose-test   docker-compose.yml, run for real (root; minutes)
#   make bench     rows per second and ratios to the budgets
#   make fuzz      the decoders under libFuzzer, a minute each
#   make install   into PREFIX (default /usr/local)
#   make format    clang-format over all sources
#
# SEED=n replays the random tests, SEED=random draws one (default: a fixed one).
# JOBS=n limits the compiler's processes.

SHELL := /bin/bash
JOBS   ?= $(shell nproc)
PREFIX ?= /usr/local
SEED   ?=

RELEASE = build
DEBUG   = build/test

.PHONY: demo test torture build bench fuzz install format deps deps-test deps-fuzz clean

demo: build
	@tests/scripts/demo.sh $(RELEASE)

build: deps
	@cmake -S . -B $(RELEASE) -DCMAKE_BUILD_TYPE=Release >/dev/null
	@tests/scripts/build.sh $(RELEASE) $(JOBS) cupel

test: deps-test
	@SEED="$(SEED)" JOBS="$(JOBS)" tests/scripts/test.sh $(RELEASE) $(DEBUG)

torture: deps-test build
	@cmake -S . -B $(DEBUG) -DCMAKE_BUILD_TYPE=Debug -DCUPEL_TESTS=ON \
	  -DCUPEL_SANITIZE=address,undefined >/dev/null
	@tests/scripts/build.sh $(DEBUG) $(JOBS) cupel
	@SEED="$${SEED:-1}" tests/torture/run.sh $(RELEASE) $(DEBUG) long

compose-test:
	@tests/compose/run.sh || [ $$? = 77 ]

bench: build
	@cmake -S . -B $(RELEASE)/bench -DCMAKE_BUILD_TYPE=Release \
	  -DCUPEL_BENCH=ON >/dev/null
	@tests/scripts/build.sh $(RELEASE)/bench $(JOBS) bench
	@$(RELEASE)/bench/tests/bench/bench
	@tests/bench/tracks.sh $(RELEASE)/cupel

fuzz: deps-fuzz
	@tests/scripts/fuzz.sh

install: build
	@cmake --install $(RELEASE) --prefix $(PREFIX)

format:
	@git ls-files '*.c' '*.h' '*.cc' | xargs clang-format -i

deps:
	@tests/scripts/packages.sh build

deps-test:
	@tests/scripts/packages.sh test

deps-fuzz:
	@tests/scripts/packages.sh fuzz

clean:
	@rm -rf build
