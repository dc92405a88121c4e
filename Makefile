# Everything that is needed is built from Go modules into bin/.
SHELL := /usr/bin/env bash -o pipefail
.DEFAULT_GOAL := help

K8S_VERSION := 1.37.2
KUBEBUILDER_ASSETS ?=
ASSETS := $(or $(KUBEBUILDER_ASSETS),$(CURDIR)/bin/k8s/$(K8S_VERSION))
TOOLS := bin/tools
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
IMAGE ?= tallyman:$(VERSION)
FUZZTIME ?= 10s
BENCH_ARGS ?=
FAULTSTIME ?= 10m
SEED ?= $(shell echo $$RANDOM)
KUBECTL ?= kubectl
VULNDB ?= https://vuln.go.dev
GO_BUILD := CGO_ENABLED=0 go build -trimpath
# An editor may lint at the same time.
LINT := $(CURDIR)/$(TOOLS)/golangci-lint run --allow-parallel-runners

.PHONY: help
help: ## Show this help
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ Run
.PHONY: run
run: controlplane build bin/devcluster ## Run everything on this machine, with an embedded control plane
	@bin/devcluster

.PHONY: run-clean
run-clean: bin/devcluster ## Wipe the data of `make run`
	@bin/devcluster -clean

.PHONY: bin/devcluster
bin/devcluster:
	@$(GO_BUILD) -o $@ ./hack/devcluster

##@ Build
.PHONY: build
build: ## Build the manager into bin/manager
	@$(GO_BUILD) -ldflags "-s -w -X main.version=$(VERSION)" -o bin/manager .

.PHONY: image
image: ## Build the container image
	docker build --build-arg VERSION=$(VERSION) -t $(IMAGE) .

.PHONY: controlplane
controlplane: ## Build etcd, kube-apiserver and kubectl, where they are missing
	@go run -C hack/controlplane .

# One build for all tools: they change together with their go.mod.
$(TOOLS)/.built: hack/tools/go.mod hack/tools/go.sum
	@echo "building linters and generators into $(TOOLS): some minutes the first time"
	@mkdir -p $(TOOLS)
	@cd hack/tools && $(GO_BUILD) -o ../../$(TOOLS)/ sigs.k8s.io/controller-tools/cmd/controller-gen sigs.k8s.io/kustomize/kustomize/v5 golang.org/x/vuln/cmd/govulncheck
	@cd hack/tools && $(GO_BUILD) -o ../../$(TOOLS)/golangci-lint sigs.k8s.io/kube-api-linter/cmd/golangci-lint-kube-api-linter
	@touch $@

.PHONY: tools
tools: $(TOOLS)/.built ## Build linters and generators, where they are missing

##@ Check
.PHONY: generate
generate: tools ## Generate deep copies
	@$(TOOLS)/controller-gen object paths=./api/...

.PHONY: manifests
manifests: tools ## Generate CRDs
	@$(TOOLS)/controller-gen crd paths=./api/... output:crd:dir=config/crd/bases

.PHONY: fmt
fmt: tools ## Format the code
	@$(TOOLS)/golangci-lint fmt

# Not hack/tools: tests of the linters' own dependencies find one package in two modules, which
# tidy refuses. `go get -tool` keeps that one right.
.PHONY: tidy
tidy: ## Tidy go.mod, here and of the control plane
	@go mod tidy && go mod tidy -C hack/controlplane

# Generators must leave what is committed as it is; what is not committed yet is not their fault.
GENERATED := api/v1alpha1/zz_generated.deepcopy.go config/crd/bases

.PHONY: verify
verify: tools ## Generators leave the tree clean, linters and vet find nothing
	@before=$$(git status --porcelain -- $(GENERATED); git diff -- $(GENERATED)); \
	$(MAKE) --no-print-directory generate manifests && \
	after=$$(git status --porcelain -- $(GENERATED); git diff -- $(GENERATED)); \
	if [ "$$before" != "$$after" ]; then echo "generated files were out of date: commit what 'make generate manifests' made"; git status --short -- $(GENERATED); git --no-pager diff --stat -- $(GENERATED); exit 1; fi
	@$(LINT)
	@cd hack/controlplane && $(LINT)
	@$(LINT) --config .golangci-kal.yaml ./api/...
	@go vet ./... && go vet -C hack/controlplane ./...
	@$(MAKE) --no-print-directory vulncheck

.PHONY: vulncheck
vulncheck: tools ## Look for known vulnerabilities, where their database can be reached
	@out=$$($(TOOLS)/govulncheck -db $(VULNDB) ./... 2>&1); code=$$?; \
	if [ $$code -eq 0 ]; then echo "govulncheck: nothing found"; \
	elif grep -q "fetching vulnerabilities" <<<"$$out"; then echo "govulncheck: skipped, $(VULNDB) cannot be reached"; \
	else echo "$$out"; exit $$code; fi

.PHONY: test
test: controlplane tools ## Run all tests with the race detector, with coverage for each package
	@go test -C hack/controlplane ./...
	@KUBEBUILDER_ASSETS=$(ASSETS) go test -race -coverprofile=cover.out ./...

# Each folder of hack/channels belongs to one connector, and has what installs its server.
.PHONY: test-channels
test-channels: ## Test the connectors against real servers, which are installed where they are missing
	@hack/channels/test

.PHONY: test-faults
test-faults: controlplane ## Kill replicas, API server and etcd for FAULTSTIME, from SEED on, and check what was acknowledged
	@KUBEBUILDER_ASSETS=$(ASSETS) go test -count=1 -v -timeout 0 ./hack/linearizability -duration $(FAULTSTIME) -seed $(SEED)

.PHONY: fuzz
fuzz: controlplane ## Run every fuzz target for FUZZTIME
	@grep -rlE '^func Fuzz' --include='*_test.go' . | xargs -n1 dirname | sort -u | while read -r dir; do \
	  for target in $$(grep -hoE '^func Fuzz[A-Za-z0-9]+' $$dir/*_test.go | cut -c6-); do \
	    echo "$$dir $$target"; KUBEBUILDER_ASSETS=$(ASSETS) go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$dir || exit 1; done; done

.PHONY: bench
bench: controlplane bin/bench ## Measure the whole system in under 10 minutes; BENCH_ARGS go to hack/bench
	@KUBEBUILDER_ASSETS=$(ASSETS) bin/bench -set short $(BENCH_ARGS)

.PHONY: bench-full
bench-full: controlplane bin/bench ## Measure everything, in about an hour
	@KUBEBUILDER_ASSETS=$(ASSETS) bin/bench -set full $(BENCH_ARGS)

.PHONY: bin/bench
bin/bench:
	@$(GO_BUILD) -o $@ ./hack/bench

.PHONY: bench-micro
bench-micro: controlplane ## Run the Go benchmarks
	@KUBEBUILDER_ASSETS=$(ASSETS) go test -run '^$$' -bench . -benchmem ./webhook/... ./controllers/...

##@ Deploy
.PHONY: deploy
deploy: tools ## Install onto the cluster of the present kubeconfig, with IMAGE
	@cd config/manager/deployment && ../../../$(TOOLS)/kustomize edit set image tallyman=$(IMAGE)
	@$(TOOLS)/kustomize build config/default | $(KUBECTL) apply --server-side -f -

.PHONY: undeploy
undeploy: tools ## Remove it again, with the CRDs and all their objects
	@$(KUBECTL) delete locations.inventory.tallyman.dev --all --all-namespaces # the manager withdraws their stock first
	@$(TOOLS)/kustomize build config/default | $(KUBECTL) delete --ignore-not-found -f -
