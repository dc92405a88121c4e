// Package resolve finds what a channel calls a SKU: the identifiers of its own that its API wants.
package resolve

import (
	"context"
	"fmt"
	"slices"
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
	if err := r.lookUp(ctx, missing, found, failures); err != nil {
		return nil, nil, err
	}
	if err := r.lookUp(ctx, r.overtaken(found), found, failures); err != nil {
		return nil, nil, err
	}
	return found, failures, nil
}

// lookUp asks for SKUs, and remembers and judges the answers.
func (r *Resolver[T]) lookUp(ctx context.Context, skus []string, found map[string]T, failures map[string]*channel.Error) error {
	for some := range slices.Chunk(skus, r.size) {
		answers, err := r.lookup(ctx, some)
		if err != nil {
			return err
		}
		for _, sku := range some {
			r.remember(sku, answers[sku])
			judge(sku, answers[sku], found, failures)
		}
	}
	return nil
}

// overtaken takes back what was found for SKUs whose item has another SKU by now, as the answer for
// that one says, and returns them: the quantity of one must not be written over that of the other.
func (r *Resolver[T]) overtaken(found map[string]T) []string {
	var out []string
	for sku, item := range found {
		if owner, ok := r.owners.Get(item); ok && owner != sku {
			delete(found, sku)
			out = append(out, sku)
		}
	}
	slices.Sort(out)
	return out
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
	if err := Unique(len(items)); err != nil {
		failures[sku] = err
		return
	}
	found[sku] = items[0]
}

// Unique says what is wrong with a SKU that so many items have, unless it is one.
func Unique(items int) *channel.Error {
	switch items {
	case 0:
		return channel.NewError(channel.Unmapped, "UnknownSKU", "the channel has no item with this SKU")
	case 1:
		return nil
	default:
		return channel.NewError(channel.Unmapped, "AmbiguousSKU", fmt.Sprintf("the channel has %d items with this SKU", items))
	}
}
