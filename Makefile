# What can be done here; see README.md.

KAFKA     ?= 4.4.0
FUZZTIME  ?= 20s
PROOF     ?= 10m
SEEDS     ?= 10000
FIRST     ?= 1
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
PLATFORMS = windows/amd64 darwin/arm64 linux/arm64 linux/386
# Packages that hold something to race for.
RACED     = ./kbin/... ./kmsg/kjson/... ./kmsg/state/... ./kmsg/compress/... ./kgo/... ./cmd/franzi/...
# Packages with tests that start real brokers or Kafka's own classes.
WITH_KAFKA = ./internal/kafkatest/... ./kmsg/... ./kgo/... ./cmd/franzi/...

.PHONY: help
help: ## show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: test
test: ## run the tests that need only Go
	go test ./...

.PHONY: race
race: ## run tests under the race detector
	go test -race $(RACED)

.PHONY: test-kafka
test-kafka: ## run the tests with real brokers; KAFKA_ERAS="1.1.1 4.4.0" chooses some (needs Java 17, Maven)
	go test -tags kafka -count 1 -p 1 -timeout 60m $(WITH_KAFKA)

.PHONY: sim
sim: ## play SEEDS lives of a client and a cluster on one thread each, beginning with FIRST
	go test ./kgo/internal/sim -count 1 -timeout 0 -run TestSeeds -v -seeds $(SEEDS) -first $(FIRST)

.PHONY: proof
proof: ## write and read for PROOF while real brokers are killed, and check every record (needs Java 17, Maven)
	go test -tags kafka -count 1 -timeout 2h -run TestKafkaProof -v ./kgo -proof $(PROOF)

.PHONY: fuzz
fuzz: ## fuzz every target for FUZZTIME each
	@go list ./... | while read -r pkg; do \
		dir=$$(go list -f '{{.Dir}}' $$pkg); \
		grep -hos '^func Fuzz[A-Za-z0-9_]*' $$dir/*_test.go | sed 's/func //' | while read -r target; do \
			echo "$$pkg $$target"; go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
		done || exit 1; \
	done

.PHONY: check
check: check-format check-vet check-lint check-docs check-unsafe ## check format, vet, lint, documentation, unsafe

.PHONY: check-format
check-format:
	@bad=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$bad" || { echo "gofmt would change:"; echo "$$bad"; exit 1; }

.PHONY: check-vet
check-vet:
	go vet ./... ./.ci/exported ./.ci/readme
	go vet -tags kafka ./...
	go vet -tags tools .
	cd bench && go vet ./...
	@for p in $(PLATFORMS); do \
		echo "go vet for $$p"; CGO_ENABLED=0 GOOS=$${p%/*} GOARCH=$${p#*/} go vet ./... || exit 1; \
	done

.PHONY: check-lint
check-lint:
	go run $(STATICCHECK) -tags kafka ./... ./.ci/exported ./.ci/readme

.PHONY: check-docs
check-docs: ## every exported name has documentation, every command of the README works
	go run ./.ci/exported kbin/... kmsg/... kgo/... gen/... internal/... spec/...
	go run ./.ci/readme README.md

.PHONY: check-unsafe
check-unsafe:
	@bad=$$(git grep -lE '^[[:space:]]*(import[[:space:]]+)?([_.a-z]+[[:space:]]+)?"(unsafe|C)"|^//go:linkname' -- '*.go' ':!bench'); \
		test -z "$$bad" || { echo "unsafe, cgo or linkname in:"; echo "$$bad"; exit 1; }

.PHONY: generate
generate: ## write kmsg from spec/
	go generate ./...

.PHONY: check-generate
check-generate: generate ## what generation writes is what is committed
	@test -z "$$(git status --porcelain -- kmsg gen spec)" || { git status --short -- kmsg gen spec; git diff --stat -- kmsg gen spec; exit 1; }

.PHONY: spec
spec: ## merge a release's definitions into spec/: make spec KAFKA=4.4.0 (needs Java 17, Maven)
	go run ./cmd/gen import $(KAFKA)

.PHONY: check-spec
check-spec: ## hold spec/ against every release since 2.2, and against a new import (needs Java 17, Maven)
	go run ./cmd/gen check

.PHONY: vectors
vectors: ## make testdata/vectors with Kafka's own classes (needs Java 17, Maven)
	go run ./cmd/gen vectors
