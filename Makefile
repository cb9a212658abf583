# One word a habit. `make help` lists them; `make test` and `make check` are what CI runs.

# One set of flags everywhere: they are part of the build cache's key, and another
# set compiles the whole Collector again. (The race target alone needs cgo.) The
# version comes with -ldflags, so that a build does not depend on git.
export GOFLAGS := -trimpath -buildvcs=false
export CGO_ENABLED := 0

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
BIN     := $(CURDIR)/dist/driftmeter

# Folders whose packages are linted: all but the root, which has no code of its own
# but a short main.go, and for which the linter would read the whole Collector.
LINTED  := $(patsubst %,./%/...,$(wildcard receiver processor connector exporter extension confmap internal testbed prediction examples))
LINT    := go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
# Packages that share data between goroutines.
RACY    := $(patsubst %,./%/...,$(wildcard prediction receiver processor connector exporter extension internal/store internal/query internal/catalog internal/intake internal/truth internal/evaluate internal/watch internal/pull))
# Packages whose floating-point results must not depend on the processor.
NUMERIC := $(patsubst %,./%/...,$(wildcard internal/num internal/sketch internal/drift internal/score internal/measure internal/season internal/monitor))

.PHONY: help
help:               ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run demo build dist full
run: demo           ## build Driftmeter and see it at work
demo: build         ## replay a real data set with drift through the built binary
	$(BIN) demo
build:              ## build dist/driftmeter
	go build -ldflags "$(LDFLAGS)" -o $(BIN) .
dist: build full    ## build both distributions
full:               ## build dist/driftmeter-full, with every component
	cd distributions/full && go build -ldflags "$(LDFLAGS)" -o $(BIN)-full .

# -count=1: the test cache does not see that the binary has changed. -timeout is for a package: testbed starts
# a Kafka, databases and hundreds of collectors.
.PHONY: test crash load bench fuzz race fma
test: dist          ## run all tests, those of the built binaries too
	DRIFTMETER_BIN=$(BIN) DRIFTMETER_FULL_BIN=$(BIN)-full go test -count=1 -timeout 45m $(T) ./...
crash: build        ## only the tests that cut the power or kill the binary
	DRIFTMETER_BIN=$(BIN) go test -count=1 -v -run 'Kill|Crash|PowerLoss|FailedWrites|Postgres/killed' $(patsubst %,./%/...,internal receiver processor exporter extension testbed)
load: build         ## what a record costs, by the built binary: the table of docs/performance.md
	DRIFTMETER_BIN=$(BIN) go run ./testbed/load $(A)
bench:              ## benchmarks, for benchstat: make bench P=./internal/profile B=Add
	go test -run='^$$' -bench=$(or $(B),.) -benchmem -count=$(or $(N),6) $(or $(P),./internal/...)
fuzz:               ## every fuzz test for FUZZTIME (20s)
	internal/tools/fuzz.sh $(or $(FUZZTIME),20s)
# Tests that damage files byte by byte have one goroutine, and would take half of the time.
race:               ## the packages with goroutines, under the race detector
	CGO_ENABLED=1 go test -race -short -shuffle=on -timeout 30m -skip '^Test(Damaged|Salvage)' $(RACY)
fma:                ## the same numbers with fused multiply-adds, as on arm64
	! grep -q avx2 /proc/cpuinfo || GOAMD64=v3 go test $(NUMERIC)

.PHONY: check fmt fmt-check vet lint arch generated
check:              ## all that CI runs beside the tests, with the time that each takes
	@for c in fmt-check vet lint arch generated race fma; do \
	   start=$$(date +%s); echo "::: $$c"; $(MAKE) --no-print-directory $$c || exit 1; echo "$$(($$(date +%s) - start)) s  $$c"; done
fmt:                ## format
	gofmt -w $$(git ls-files -co --exclude-standard '*.go')
fmt-check:
	@bad=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')); [ -z "$$bad" ] || { echo "run \`make fmt\`:" $$bad; exit 1; }
vet:                ## go vet
	go vet ./...
lint:               ## golangci-lint
	$(LINT) run $(LINTED)
arch:               ## layers of imports and the other rules of internal/archtest
	go test -count=1 ./internal/archtest
generated:          ## what is generated is up to date
	internal/tools/check-generated.sh

.PHONY: generate tidy golden
generate:           ## components.go, telemetry of the components, formats, reference pages
	go generate ./...
tidy:               ## both go.mod
	go mod tidy && cd distributions/full && go mod tidy
golden:             ## compute the reference numbers again, with Python and packages that it installs
	internal/tools/golden.sh
