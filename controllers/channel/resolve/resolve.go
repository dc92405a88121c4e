// Package resolve finds what a channel calls a SKU: the identifiers of its own that its API wants.
package resolve

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/util/cache"
	"k8s.io/utils/clock"

	"tallyman.dev/tallyman/controllers/channel"
)

const (
	// MaxCached bounds the SKUs that are remembered for one channel.
	MaxCached = 100_000

	// FoundTTL is how long a found identifier is used without a look: as long may a SKU that was
	// renamed on the channel still be taken for what it was.
	FoundTTL = 10 * time.Minute

	// UnknownTTL is how long a SKU that the channel does not have, or has several times, is not
	// looked up again.
	UnknownTTL = 30 * time.Second
)

// Lookup asks the channel for all its items that have one of some SKUs. A SKU without an item is
// left out. Only exact matches count: many channels search by words. An error means that nothing is
// known, which is never taken for "there is none".
type Lookup[T comparable] func(ctx context.Context, skus []string) (map[string][]T, error)

// Resolver remembers what it has looked up. It is safe for concurrent use. T identifies an item: the
// same item is equal whatever its SKU.
type Resolver[T comparable] struct {
	lookup Lookup[T]
	size   int
	cache  *cache.LRUExpireCache // answer by SKU
	owners *cache.LRUExpireCache // SKU by item
}

// answer is what the channel said of a SKU.
type answer[T comparable] struct {
	items []T
}

// New makes a resolver that looks up at most size SKUs in one call.
func New[T comparable](c clock.PassiveClock, size int, lookup Lookup[T]) *Resolver[T] {
	return &Resolver[T]{
		lookup: lookup, size: size,
		cache: cache.NewLRUExpireCacheWithClock(MaxCached, c), owners: cache.NewLRUExpireCacheWithClock(MaxCached, c),
	}
}

// Resolve returns the one item of each SKU, or why there is none, which is of class Unmapped. Its
// error is that of the lookup.
func (r *Resolver[T]) Resolve(ctx context.Context, skus []string) (map[string]T, map[string]*channel.Error, error) {
	found, failures := make(map[string]T, len(skus)), map[string]*channel.Error{}
	var missing []string
	for _, sku := range skus {
		if known, ok := r.cache.Get(sku); ok {
			judge(sku, known.(answer[T]).items, found, failures) //nolint:forcetypeassert // nothing else is stored
			continue
		}
		missing = append(missing, sku)
	}
	for len(missing) > 0 {
		n := min(r.size, len(missing))
		answers, err := r.lookup(ctx, missing[:n])
		if err != nil {
			return nil, nil, err
		}
		for _, sku := range missing[:n] {
			r.remember(sku, answers[sku])
			judge(sku, answers[sku], found, failures)
		}
		missing = missing[n:]
	}
	return found, failures, nil
}

// Forget drops what is remembered of SKUs, because the channel has shown that it is out of date.
func (r *Resolver[T]) Forget(skus ...string) {
	for _, sku := range skus {
		r.cache.Remove(sku)
	}
}

func (r *Resolver[T]) remember(sku string, items []T) {
	if len(items) != 1 {
		r.cache.Add(sku, answer[T]{items}, UnknownTTL)
		return
	}
	if was, ok := r.owners.Get(items[0]); ok && was != sku { // renamed: its old SKU may have another item now
		r.cache.Remove(was)
	}
	r.owners.Add(items[0], sku, FoundTTL)
	r.cache.Add(sku, answer[T]{items}, FoundTTL)
}

func judge[T comparable](sku string, items []T, found map[string]T, failures map[string]*channel.Error) {
	switch len(items) {
	case 0:
		failures[sku] = channel.NewError(channel.Unmapped, "UnknownSKU", "the channel has no item with this SKU")
	case 1:
		found[sku] = items[0]
	default:
		failures[sku] = channel.NewError(channel.Unmapped, "AmbiguousSKU",
			fmt.Sprintf("the channel has %d items with this SKU", len(items)))
	}
}
