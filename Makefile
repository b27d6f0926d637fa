# The front door: `make run` and `make test` each do all of their own set-up on a Debian 12 with Swift.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory

swift_build := swift build --explicit-target-dependency-import-check error
go_client := $(CURDIR)/.build/go-client

.PHONY: run release test go-client lint proto units readme generate clean

## Serves under .build/run, with a first key made and validated, until Ctrl-C.
run: release
	@exec .make/run

## Builds the two programs for use, with Swift's libraries linked in.
release:
	@.make/packages run
	@$(swift_build) --configuration release --static-swift-stdlib --product keywardd
	@$(swift_build) --configuration release --static-swift-stdlib --product keyward

## Everything that CI checks.
test:
	@.make/packages test
	@$(MAKE) lint proto go-client
	@$(swift_build) --build-tests
	@$(MAKE) units release readme
	@KEYWARD_GO_CLIENT="$$(test -x "$(go_client)" && echo "$(go_client)")" swift test --skip-build

## A stock Go ttrpc client for the tests; without the packages its tests are skipped, and say so.
go-client:
	@rm -f "$(go_client)"
	@if .make/packages go; then Tests/DaemonTests/GoClient/build "$(go_client)"; \
	else echo "SKIPPED: the stock Go client, for its packages cannot be had" >&2; fi

lint:
	@swift format lint --strict --recursive Sources Tests Package.swift
	@echo "the Swift is formatted"

proto:
	@proto/generate --check
	@.make/buf

units:
	@.make/units "$$(swift build --show-bin-path)"

## Runs the README's commands against `make run`.
readme:
	@.make/readme

## Writes the C of the .proto files anew.
generate:
	@proto/generate

clean:
	rm -rf .build
