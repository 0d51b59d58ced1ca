# Makefile - short names for the everyday commands; Meson does the building.
# `make` alone lists them.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup build run stop test test-compose test-scripts test-grafana asan tsan soak crash faults fuzz bench dist format lint clean

help: ## list these commands
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

setup: ## install missing packages (Debian; root or sudo)
	@scripts/setup.sh build run

build: ## install what the build needs and compile build/model-service
	@scripts/setup.sh build
	@scripts/build.sh

run: ## start the model service, Prometheus, Alertmanager and the Slack inbox
	@scripts/setup.sh build run
	@scripts/build.sh
	@scripts/run.sh

stop: ## stop what `make run` started
	@scripts/stop.sh

test: ## all tests that need no Docker; ends with "N passed, N failed"
	@scripts/test.sh

test-compose: ## the Compose file with a real Docker engine (root)
	@scripts/test.sh compose

test-scripts: ## test_normal.sh and test_drift.sh, twenty runs in random order (80 minutes)
	@scripts/test_scripts.sh

test-grafana: ## the Grafana dashboard drawn by Grafana's own code, the pages by axe-core (npm, a network once)
	@scripts/setup.sh build run test
	@scripts/build.sh
	@MODEL_SERVICE_BINARY=$(CURDIR)/build/model-service scripts/test_grafana.sh

asan: ## unit and HTTP tests under the address and undefined-behaviour sanitizers
	@scripts/test.sh asan

tsan: ## unit and HTTP tests under the thread sanitizer
	@scripts/test.sh tsan

soak: ## a million requests under each sanitizer
	@scripts/soak.sh

crash: ## kill the service 1000 times (CRASHES) while it works, compare what it knows with what it acknowledged
	@scripts/build.sh
	@/usr/bin/python3 tests/crash/crash.py $(or $(CRASHES),1000)

faults: ## fail every allocation at the start and in each kind of request; read thousands of damaged files
	@scripts/build.sh
	@/usr/bin/python3 tests/faults/allocations.py
	@/usr/bin/python3 tests/faults/files.py

fuzz: ## fuzz every parser (FUZZ_SECONDS each, default 60)
	@scripts/fuzz.sh

bench: ## measure, and print the results
	@scripts/bench.sh

dist: ## make a source archive, build it in an empty folder and run its unit tests there
	@scripts/setup.sh build test
	@scripts/dist.sh

format: ## format the C sources in place
	@scripts/format.sh

lint: ## check the format of the C sources, the scripts and the configuration
	@scripts/test.sh lint

clean: ## remove build folders (./cleanup.sh also removes data and containers)
	rm -rf build build-*
