# make test is what CI runs; the rest is for people. Plain `go test ./...` needs nothing but Go. What vet has seen as a whole isn't vetted again
# package by package.

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
E2E         := ./examples/fullserver/e2e
FUZZTIME    ?= 10m
SOAKTIME    ?= 30m
WHOLETIME   ?= 1h
SEEDTIME    ?= 5m
PKG         ?= ./...
# How many packages are tested at a time: half as many again as there are processors, for half of a test is waiting for other people's programs.
LANES       ?= $(shell echo $$(( ($$(nproc 2>/dev/null || echo 2) * 3 + 1) / 2 )))

.PHONY: help test deps fmt vet staticcheck unit e2e fuzz soak seedbox bench benchdoc benchqueue benchwhole conformance screenshots

help: ## what there is to make
	@grep -hE '^[a-z0-9]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9]+):.*## /\1\t/' | expand -t 14

test: deps fmt vet staticcheck unit e2e ## everything that must hold before a change lands

deps: ## install the programs that the tests drive, if they are missing
	@.ci/deps

fmt: ## the sources are as gofmt wants them
	@out=$$(gofmt -l .); if [ -n "$$out" ]; then echo "gofmt -w these:"; echo "$$out"; exit 1; fi

vet:
	go vet ./...
	.ci/nested vet

staticcheck:
	go run $(STATICCHECK) ./...

unit: ## every package's own tests, with the race detector
	go test -p $(LANES) -vet=off -race $$(go list ./... | grep -v /e2e$$)
	.ci/nested test

e2e: ## the built server, driven by other people's programs; what 10,000 idle connections cost
	go test -vet=off -timeout 15m -v $(E2E)
	go test -vet=off -run TestMemory -v ./smtp/interop

fuzz: ## every fuzz target for FUZZTIME (10m) each; PKG=./mime/... for some
	@.ci/fuzz $(FUZZTIME) $(PKG)

soak: ## kill and restart under load, a queue of a million files, 50 IMAP sessions at random in one mailbox, and a store stopped at every operation of random work, for SOAKTIME (30m) each; the whole server with clients and faults for WHOLETIME (1h), as root
	go test -timeout 24h -v -run 'TestSoak$$' $(E2E) -soak $(WHOLETIME)
	go test -timeout 24h -v -run 'TestKill|TestMillion' ./queue -soak $(SOAKTIME)
	go test -timeout 24h -v -run 'TestKill' $(E2E) -soak $(SOAKTIME)
	go test -timeout 24h -v -run 'TestStress' ./imap/imapserver -soak $(SOAKTIME)
	go test -timeout 24h -v -run 'TestCrashRandom' ./maildir -soak $(SOAKTIME)

seedbox: ## the server in 256 MB and 5 % of one core with 400 users in IDLE over TLS and two messages a second, for SEEDTIME (5m); as root
	go test -count=1 -timeout 1h -v -run 'TestSeedbox$$' $(E2E) -seedbox $(SEEDTIME)

bench: ## every benchmark, with allocations
	go test -run '^$$' -bench . -benchmem $(PKG)

benchdoc: ## write docs/benchmarks.md and docs/benchmarks-imapclient.md anew
	.ci/benchimap
	.ci/benchimapclient

benchqueue: ## write docs/benchmarks-queue.md anew; as root, with Postfix installed; BENCHDIR=/var/tmp is the disk
	.ci/benchqueue -dir $(or $(BENCHDIR),/var/tmp)

benchwhole: ## write docs/benchmarks-fullserver.md anew: the server beside Debian's Postfix and Dovecot; as root
	go test -count=1 -timeout 1h -v -run 'TestWholeFigures$$' $(E2E) -whole $(CURDIR)/docs/benchmarks-fullserver.md

conformance: ## try our server and others on every clause of docs/dialogues, and write docs/conformance.md anew; as root
	go test -count=1 -timeout 30m -v -run TestSystems ./examples/conformance -write

screenshots: ## pictures of the webmail's and the administration's pages, light, dark, on a phone, in Vietnamese, in SCREENS (/tmp/webmail-screens), to be looked at
	go test -count=1 -run TestScreenshots ./examples/fullserver/webmail -screenshots $(or $(SCREENS),/tmp/webmail-screens)
	go test -count=1 -run TestChromium ./examples/fullserver/webadmin -screenshots $(or $(SCREENS),/tmp/webmail-screens)
