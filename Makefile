# Everything that is done to this repository is done by one of these.

.DEFAULT_GOAL := help
GO ?= go
# SQLite here is C made into Go. Its memory is not of Go's heap, where alone the
# race detector looks: built for it, SQLite only takes more CPU than all tests.
TESTFLAGS ?= -race -gcflags=modernc.org/...=-race=false -shuffle=on -count=1 -timeout=40m

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: ## serve on http://localhost:3000 with a demo event
	$(GO) run ./cmd/seatlock

.PHONY: build
build: ## build bin/seatlock
	$(GO) build -trimpath -o bin/seatlock ./cmd/seatlock

.PHONY: test
test: lint browser mongod ## check everything: lint, generated code, all tests with the race detector
	$(GO) test -vet=off $(TESTFLAGS) ./... # lint has vetted it all

.PHONY: prove
prove: browser mongod ## measure everything at full size, and write docs/performance.md
	@mkdir -p bin
	$(GO) test -tags prove -run '^TestProve' -count=1 -p 1 -timeout=60m -v ./store/mongostore ./handlers ./... > bin/prove.log || { cat bin/prove.log; exit 1; }
	@cat bin/prove.log
	@sh internal/tables.sh bin/prove.log > docs/performance.md

.PHONY: compare
compare: mongod ## measure locks beside another commit, and write docs/compared.md: make compare BASE=48c37df
	sh internal/compare.sh $(BASE) HEAD 9 > bin/compared.md && mv bin/compared.md docs/compared.md

.PHONY: screenshots
screenshots: browser ## take the pictures of docs/screenshots
	SCREENSHOTS=$(CURDIR)/docs/screenshots $(GO) test -tags screenshots -run TestScreenshots -count=1 ./cmd/seatlock

.PHONY: lint
lint: ## format, vet, staticcheck, and whether generated code is current
	@test -z "$$(gofmt -l .)" || { gofmt -l . ; echo "not formatted: run gofmt -w ."; exit 1; }
	$(GO) vet ./...
	$(GO) vet -tags prove,screenshots ./...
	$(GO) tool staticcheck ./...
	@sh internal/checkgenerated.sh

.PHONY: generate
generate: ## render *_templ.go from *.templ
	$(GO) tool templ generate

.PHONY: plans
plans: build ## make the plans of the larger demo events
	@for hall in theatre arena; do \
		SEATLOCK=bin/seatlock sh store/plan/plans/$$hall.sh > bin/$$hall.json && mv bin/$$hall.json store/plan/plans/ || exit 1; \
	done

.PHONY: golden
golden: browser ## rewrite views/testdata from what the components render now
	$(GO) test ./views -update

.PHONY: browser
browser: ## find or install the Chromium that the browser tests drive
	@sh internal/testengine/chromium.sh

.PHONY: mongod
mongod: ## find or fetch the mongod that tests of the MongoDB engine run
	@sh internal/testengine/mongod.sh
