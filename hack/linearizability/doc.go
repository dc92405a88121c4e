// Package linearizability has no code but a test: it sends concurrent batches for the same SKUs through two
// replicas, while it kills and pauses these, the API server and etcd at random, and checks every
// acknowledged quantity against the snapshots and against what the channels end with.
package linearizability
