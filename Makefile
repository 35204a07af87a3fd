# make help lists what one can do here.
SHELL       := /bin/bash
GO          ?= go
VERSION     ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
# Tools that are run and not installed.
STATICCHECK ?= honnef.co/go/tools/cmd/staticcheck@v0.8.2
CYCLONEDX   ?= github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0
GOVULNCHECK ?= golang.org/x/vuln/cmd/govulncheck@v1.9.0
RELEASEFLAGS ?=
TESTFLAGS   ?= -race -timeout 45m
BENCHTIME   ?= 1s
TAGS        ?=
BENCHES     ?= ./bench/... ./rewrite ./proxy/wire
SOAKFLAGS   ?= -steps 200 -shapes 100
FAULTFLAGS  ?= -rounds 300 -steps 12
VERSUSFLAGS ?=
SUITE       ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/segue/regress
CONFORMANCEFLAGS ?=
MATRIX      ?= 18 17 16 14 13
MATRIXFLAGS ?=

.DEFAULT_GOAL := help
.PHONY: help build demo test soak setup lint bench versus conformance conformance-matrix vulncheck release clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-19s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Without -trimpath: the parser's C code, which takes minutes, is then compiled once for this and for the tests.
build: ## build bin/segue; TAGS=pg18: with the grammar of PostgreSQL 18, without C
	$(GO) build -tags '$(TAGS)' -ldflags '-s -w -X main.release=$(VERSION)' -o bin/segue ./cmd/segue

demo: build ## watch a rename, and a change of type, under live traffic; needs nothing but Go, gcc and make
	./bin/segue demo

test: setup ## run all tests, race detector on
	$(GO) test $(TESTFLAGS) ./...

soak: setup ## check random histories, gates in every order of events, code that makes something unseen, and fleets under faults, for long; SOAKFLAGS, FAULTFLAGS='-seed N -rounds N -steps N'
	$(GO) test -race -count=1 -timeout 2h -v -run Histories ./test/checker $(SOAKFLAGS)
	$(GO) test -tags soak -count=1 -timeout 1h -v -run EveryOrderOfEvents ./migrate
	$(GO) test -tags soak -race -count=1 -timeout 1h -v -run WhatCodeMakesUnseen ./proxy
	$(GO) test -tags soak -race -count=1 -timeout 12h -v -run Fault ./test/checker/fleet $(FAULTFLAGS)

# What tests need beside Go: PostgreSQL, and drivers and mappers that are not written in Go. Done here once, because the tests of
# several packages start at the same time.
setup:
	@echo "PostgreSQL: $$($(GO) run ./internal/pgcluster/pgbin)"
	@./test/setup.sh

lint: ## gofmt, go vet and staticcheck
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "gofmt -w is wanted for:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...

bench: ## run the benchmarks
	$(GO) test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) $(BENCHES)

versus: ## measure beside the server, PgBouncer and a proxy that only passes bytes on; VERSUSFLAGS='-rounds N -clients 1,8,32 -out DIR'
	@command -v pgbouncer >/dev/null || [ -x /usr/sbin/pgbouncer ] || apt-get install -y -qq --no-install-recommends pgbouncer >/dev/null
	$(GO) run ./bench/versus $(VERSUSFLAGS)

conformance: setup ## compare PostgreSQL's own suites, and scripts of messages, through the proxy with direct
	./test/conformance/fetch.sh $(SUITE)
	$(GO) run ./test/conformance -suite $(SUITE) $(CONFORMANCEFLAGS)
	$(GO) test -count=1 -timeout 30m ./test/orm -run EndsAsDirectly -every-stage

conformance-matrix: setup ## run some tests on PostgreSQL 13, 14, 16, 17 and 18, whose servers npm brings; MATRIX='18 17', MATRIXFLAGS='-run X' for go test
	TESTFLAGS='$(MATRIXFLAGS)' ./test/matrix/run.sh $(MATRIX)

vulncheck: ## look up known vulnerabilities of what Segue uses; needs vuln.go.dev
	@GOBIN=$(CURDIR)/bin $(GO) install $(GOVULNCHECK) # go run would hide the exit code
	@./bin/govulncheck ./... || { code=$$?; \
	  [ $$code = 3 ] || echo "vulncheck: nothing is known: the database at https://vuln.go.dev could not be asked" >&2; exit $$code; }

release: ## build the files of the tagged version in dist, with checksums and SBOM
	$(GO) run ./internal/release -sbom $(CYCLONEDX) $(RELEASEFLAGS)

clean: ## remove what was built
	rm -rf bin dist
