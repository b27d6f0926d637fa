# The front door: `make run` and `make test` each do all of their own set-up on a Debian 12 with Swift.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory

swift_build := swift build --explicit-target-dependency-import-check error
go_client := $(CURDIR)/.build/go-client
grpc_python := $(CURDIR)/.build/grpc-python/bin/python
buf := $(CURDIR)/.build/buf/bin/buf

.PHONY: run release install test bench bench-quick bench-programs go-client grpc-clients lint proto units readme examples allocations generate clean

## Serves under .build/run, with a first key made and validated, until Ctrl-C.
run: release
	@exec .make/run

## Builds the two programs for use, with Swift's libraries linked in.
release:
	@.make/packages run
	@mkdir -p .build/static
	@for archive in /usr/lib/gcc/$$(uname -m)-linux-gnu/*/libstdc++.a; do ln -sf "$$archive" .build/static/; done
	@$(swift_build) --configuration release --static-swift-stdlib --product keywardd
	@$(swift_build) --configuration release --static-swift-stdlib --product keyward

## Installs the programs and units, as root, or below DESTDIR.
install: release
	@install -D -m 755 .build/release/keywardd "$(DESTDIR)/usr/bin/keywardd"
	@install -D -m 755 .build/release/keyward "$(DESTDIR)/usr/bin/keyward"
	@install -D -m 644 systemd/keyward.sysusers "$(DESTDIR)/usr/lib/sysusers.d/keyward.conf"
	@install -D -m 644 systemd/keyward.socket "$(DESTDIR)/etc/systemd/system/keyward.socket"
	@install -D -m 644 systemd/keyward.service "$(DESTDIR)/etc/systemd/system/keyward.service"
	@install -D -m 644 systemd/keyward.toml "$(DESTDIR)/usr/share/doc/keyward/keyward.toml"

## Everything that CI checks.
test:
	@.make/packages test
	@$(MAKE) lint proto go-client grpc-clients
	@$(swift_build) --build-tests
	@$(MAKE) units readme examples allocations
	@$(MAKE) bench-quick
	@KEYWARD_GO_CLIENT="$$(test -x "$(go_client)" && echo "$(go_client)")" \
	KEYWARD_GRPC_PYTHON="$$(test -x "$(grpc_python)" && echo "$(grpc_python)")" \
	KEYWARD_BUF="$$(test -x "$(buf)" && echo "$(buf)")" swift test --skip-build

## Measures keywardd against other servers: make bench BENCH="lists --rounds 9" (Benchmarks/README.md).
bench: bench-programs
	@python3 Benchmarks/driver $(BENCH)

## Sees that the bench works. What it measures means nothing.
bench-quick: bench-programs
	@python3 Benchmarks/driver --quick >/dev/null
	@echo "the bench works"

bench-programs: release
	@.make/packages bench
	@$(swift_build) --configuration release --static-swift-stdlib --product index-growth
	@Benchmarks/build .build/bench/bin

## A stock Go ttrpc client for the tests; without the packages its tests are skipped, and say so.
go-client:
	@rm -f "$(go_client)"
	@if .make/packages go; then .make/go Tests/DaemonTests/GoClient "$(go_client)"; \
	else echo "SKIPPED: the stock Go client, for its packages cannot be had" >&2; fi

## A Python with stock gRPC for the tests; where it cannot be had its tests are skipped, and say so.
grpc-clients:
	@.make/grpc-python "$(CURDIR)/.build/grpc-python"

lint:
	@swift format lint --strict --recursive Sources Tests Benchmarks Package.swift
	@echo "the Swift is formatted"

proto:
	@proto/generate --check
	@.make/buf

## Has systemd check the units as `make install` puts them.
units:
	@rm -rf .build/installed && $(MAKE) install DESTDIR="$(CURDIR)/.build/installed"
	@.make/units .build/installed

## Runs the README's commands against `make run`.
readme:
	@.make/readme

## Has the examples validate keys of a real daemon; what cannot be had is skipped, and says so.
examples: release
	@.make/packages test
	@.make/examples

## Counts what validations take from the heap when the server is built for use: nothing.
allocations:
	@$(swift_build) --configuration release --product allocation-check
	@"$$(swift build --configuration release --show-bin-path)/allocation-check"

## Writes the C of the .proto files anew.
generate:
	@proto/generate

clean:
	rm -rf .build
