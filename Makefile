# SPDX-License-Identifier: Apache-2.0
# The commands of duotap. Each one sets up what it needs and says what is missing.
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
BIN := .venv/bin
BENCH := PYTHONPATH=tests:tests/both:firmware $(BIN)/python -m
UPY := tests/upy/test_both.py tests/upy/test_compile.py tests/upy/test_import.py

.PHONY: help setup demo test test-long test-peers test-chip check model sweep bench-crypto bench-tap bench-reconcile size fault-matrix boot-sweep \
	rollback fleet touches format clean

help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile

setup: ## build .venv (needs Python 3.11 or newer with venv; the other commands call it)
	@tools/setup.sh

demo: setup ## play the main story between virtual boards, from factory to ledger
	@$(BIN)/duotap demo --out build/demo

test: setup ## run all tiers of tests and print a table of them
	@$(BIN)/python tools/tiers.py both upy host duet sim

test-long: setup ## run the model of small towns, and what takes too long for make test
	@$(BIN)/python tools/tiers.py model long

test-peers: setup ## run other people's NFC programs against the virtual chip (installs them first)
	@$(BIN)/python tools/peers.py
	@$(BIN)/python tools/tiers.py peers

test-chip: setup ## run the images on an emulated RP2040 (DUOTAP_PICO_UF2=RPI_PICO….uf2, MicroPython 1.26+)
	@$(BIN)/python tools/chip.py
	@rm -rf build/chip
	@$(BIN)/python tools/tiers.py chip
	@cat build/chip/*.txt 2>/dev/null || true

check: setup ## run before each commit: style, types, device compiler, the quick tests
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -n 2 tests/both tests/host $(UPY)

sweep: setup ## cut every tap and every visit at the cable, everywhere, and tell what it came to
	@$(BENCH) sweep --readme

.PHONY: unplug
unplug: setup ## pull boards out at 500 random bytes of all that is done with them, then do it again
	@$(BENCH) unplug $(ARGS)

model: setup ## explore all states of small towns, try mutants, live through 1,000 paths in SQL (ARGS="path …": one path alone)
	@$(BENCH) model $(or $(ARGS),full)
ifndef ARGS
	@$(BENCH) model mutants
	@$(BENCH) model paths 1000
	@DUOTAP_TOWNS=1000 $(BIN)/python -m pytest tests/model/test_random_towns.py
endif

bench-crypto: setup ## measure signatures against embit, and count what they take on a board
	@$(BENCH) bench.crypto_bench

.PHONY: cross-check
cross-check: setup ## sign and verify 10,000 times against OpenSSL, both ways, on CPython and on MicroPython (ROUNDS=…)
	@DUOTAP_CROSS=$(or $(ROUNDS),10000) $(BIN)/python -m pytest -q -s -n 0 -o faulthandler_timeout=0 tests/host/test_crypto_cross.py

bench-tap: setup ## show where the time of a tap goes, by kind of signatures (modelled)
	@$(BENCH) bench.tap_bench

bench-reconcile: setup ## settle 100 payments where 20,000 are archived (3 minutes of processor)
	@$(BENCH) bench.reconcile_bench

size: setup ## print what the firmware takes of each board's flash and heap; fails above a ceiling
	@$(BIN)/python -m duotap_host.flash.sizes

fault-matrix: setup ## spoil every frame between boards and their radio chips in every way (10 minutes)
	@$(BENCH) duet.fault_matrix

boot-sweep: setup ## look for a prompt: type what opens one at each 10 ms of a board's start
	@$(BENCH) upy.boot_sweep

rollback: setup ## restore older images of the flash, class by class; keeps the table in firmware/README.md
	@$(BENCH) sim.rollback_lab

fleet: setup ## make 10,000 virtual boards while the command is killed 20 times; keeps the tables in host/README.md
	@$(BENCH) sim.fleet_lab --readme

touches: setup ## touch a stand 100,000 times without paying, and then pay (a minute)
	@$(BENCH) duet.touches

format: setup ## format the sources and sort the imports
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

clean: ## remove what was built and cached (.venv stays: delete it to build it anew)
	rm -rf build .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name .venv -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
