# Every task of this repository is one of these targets.

.DEFAULT_GOAL := help
GO ?= go
# SQLite is C that was translated to Go. Its memory is outside of Go's heap, where the
# race detector sees nothing: with it, SQLite would only cost more CPU than all tests.
TESTFLAGS ?= -race -gcflags=modernc.org/...=-race=false -shuffle=on -count=1 -timeout=40m

.PHONY: help
help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: ## serve on http://localhost:3000 with a demo event
	$(GO) run ./cmd/seatlock

.PHONY: build
build: ## build bin/seatlock
	$(GO) build -trimpath -o bin/seatlock ./cmd/seatlock

.PHONY: test
test: lint browser mongod ## check everything: lint, generated code, all tests with the race detector
	$(GO) test -vet=off $(TESTFLAGS) ./... # lint has run vet already

.PHONY: prove
prove: browser mongod ## measure everything at full size, and write docs/performance.md
	@mkdir -p bin
	$(GO) test -tags prove -run '^TestProve' -count=1 -p 1 -timeout=60m -v ./store/mongostore ./handlers ./... > bin/prove.log || { cat bin/prove.log; exit 1; }
	@cat bin/prove.log
	@sh internal/tables.sh bin/prove.log > docs/performance.md

.PHONY: compare
compare: mongod ## compare speed with another commit, and write docs/compared.md: make compare BASE=48c37df
	sh internal/compare.sh $(BASE) HEAD 9 > bin/compared.md && mv bin/compared.md docs/compared.md

.PHONY: screenshots
screenshots: browser ## take the screenshots in docs/screenshots
	SCREENSHOTS=$(CURDIR)/docs/screenshots $(GO) test -tags screenshots -run TestScreenshots -count=1 ./cmd/seatlock

.PHONY: lint
lint: ## check formatting, vet, staticcheck, and that generated code is current
	@test -z "$$(gofmt -l .)" || { gofmt -l . ; echo "not formatted: run gofmt -w ."; exit 1; }
	$(GO) vet ./...
	$(GO) vet -tags prove,screenshots ./...
	$(GO) tool staticcheck ./...
	@sh internal/checkgenerated.sh

.PHONY: generate
generate: ## generate *_templ.go from *.templ
	$(GO) tool templ generate

.PHONY: plans
plans: build ## generate the plans of the larger demo events
	@for hall in theatre arena; do \
		SEATLOCK=bin/seatlock sh store/plan/plans/$$hall.sh > bin/$$hall.json && mv bin/$$hall.json store/plan/plans/ || exit 1; \
	done

.PHONY: golden
golden: browser ## rewrite views/testdata with what the components render now
	$(GO) test ./views -update

.PHONY: browser
browser: ## find or install Chromium for the browser tests
	@sh internal/testengine/chromium.sh

.PHONY: mongod
mongod: ## find or fetch mongod for the tests of the MongoDB engine
	@sh internal/testengine/mongod.sh
