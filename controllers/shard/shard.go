// Package shard divides namespaces among several leaders, where one cannot fold and sync them all.
package shard

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// Max is the most shards. Beyond, every replica's copy of all stock is what limits.
const Max = 64

// Shard is one of Count equal parts of all namespaces, counted from 0. The zero value is everything. It is a
// flag.Value, written Index/Count.
type Shard struct{ Index, Count int }

// String implements flag.Value; everything is the empty string.
func (s Shard) String() string {
	if s.Count == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", s.Index, s.Count)
}

// Set implements flag.Value.
func (s *Shard) Set(value string) error {
	if value == "" {
		*s = Shard{}
		return nil
	}
	index, count, _ := strings.Cut(value, "/")
	i, err1 := strconv.Atoi(index)
	n, err2 := strconv.Atoi(count)
	if err1 != nil || err2 != nil || n < 1 || n > Max || i < 0 || i >= n {
		return fmt.Errorf("must be INDEX/COUNT, with COUNT from 1 to %d and INDEX from 0 to COUNT-1", Max)
	}
	*s = Shard{i, n}
	return nil
}

// Owns reports whether a namespace belongs to the shard. Which one it belongs to depends on its name and on
// Count only.
func (s Shard) Owns(namespace string) bool {
	if s.Count <= 1 {
		return true
	}
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(namespace))                   // a hash takes everything
	return sum.Sum64()%uint64(s.Count) == uint64(s.Index) //nolint:gosec // both are from 0 to Max
}

// LeaseName is the Lease that the shard's leader holds.
func (s Shard) LeaseName() string {
	const suffix = ".inventory.tallyman.dev"
	if s.Count <= 1 {
		return "tallyman" + suffix
	}
	return fmt.Sprintf("tallyman-%d-of-%d%s", s.Index, s.Count, suffix)
}

// Predicate lets the events of the shard's objects pass.
func (s Shard) Predicate() predicate.Predicate {
	return predicate.NewPredicateFuncs(func(o client.Object) bool { return s.Owns(o.GetNamespace()) })
}
