// Package resolve finds what a channel calls a SKU and a location: the identifiers of its own that its API
// wants. Targets is the step that connectors take from the items of a batch to those, Resolver what looks names
// up and remembers them. It knows package channel, and no connector.
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
	// MaxCached bounds the names that are remembered for one channel.
	MaxCached = 100_000

	// FoundTTL is how long a found identifier is used without a look: as long may a SKU that was
	// renamed on the channel still be taken for what it was.
	FoundTTL = 10 * time.Minute

	// UnknownTTL is how long a SKU that the channel does not have, or has several times, is not
	// looked up again.
	UnknownTTL = 30 * time.Second
)

// Lookup asks the channel for all that has one of some names: SKUs, or codes of locations. A name that nothing
// has is left out. Only exact matches count: many channels search by words. An error means that nothing is
// known, which is never taken for "there is none".
type Lookup[T comparable] func(ctx context.Context, names []string) (map[string][]T, error)

// Explain says why a name stands for nothing, of which the channel has found as many things: none, or several.
type Explain func(name string, found int) *channel.Error

// Resolver looks names up, and remembers the answers unless it is one that looks anew. It is safe for concurrent
// use. T identifies what has a name: the same thing is equal whatever its name.
type Resolver[T comparable] struct {
	lookup  Lookup[T]
	explain Explain
	check   func(T) *channel.Error // nil for none
	size    int
	cache   *cache.LRUExpireCache // answer by name; nil where nothing is remembered
	owners  *cache.LRUExpireCache // name by what has it; nil likewise
}

// answer is what the channel said of a name.
type answer[T comparable] struct {
	found []T
}

// New makes a resolver that looks up at most size names in one call, and remembers them.
func New[T comparable](c clock.PassiveClock, size int, lookup Lookup[T]) *Resolver[T] {
	r := Anew(size, lookup)
	r.cache, r.owners = cache.NewLRUExpireCacheWithClock(MaxCached, c), cache.NewLRUExpireCacheWithClock(MaxCached, c)
	return r
}

// Anew makes a resolver that remembers nothing, for look-ups that also tell what is there now. T may be a
// pointer then.
func Anew[T comparable](size int, lookup Lookup[T]) *Resolver[T] {
	return &Resolver[T]{lookup: lookup, size: size, explain: func(_ string, found int) *channel.Error { return Unique(found) }}
}

// Explained returns the resolver with own words for names that stand for nothing, such as those of locations. It is
// called before the first use.
func (r *Resolver[T]) Explained(explain Explain) *Resolver[T] {
	r.explain = explain
	return r
}

// Checked returns the resolver with a rule for what was found: why it cannot have a quantity, nil if it can. What
// is refused is looked up again the next time: somebody may put it right at any moment. It is called before the
// first use.
func (r *Resolver[T]) Checked(check func(T) *channel.Error) *Resolver[T] {
	r.check = check
	return r
}

// Resolve returns the one thing that has each name, or why there is none: an error of class Unmapped, or what
// the rule of Checked says. Its error is that of the lookup.
func (r *Resolver[T]) Resolve(ctx context.Context, names []string) (map[string]T, map[string]*channel.Error, error) {
	found, failures := make(map[string]T, len(names)), map[string]*channel.Error{}
	var missing []string
	for _, name := range names {
		if known, ok := r.remembered(name); ok {
			r.note(name, known, found, failures)
			continue
		}
		missing = append(missing, name)
	}
	if err := r.lookUp(ctx, missing, found, failures); err != nil {
		return nil, nil, err
	}
	again := r.overtaken(found)
	for _, name := range again {
		delete(found, name)
	}
	if err := r.lookUp(ctx, again, found, failures); err != nil {
		return nil, nil, err
	}
	return found, failures, nil
}

// lookUp asks for names, and remembers and notes the answers.
func (r *Resolver[T]) lookUp(ctx context.Context, names []string, found map[string]T, failures map[string]*channel.Error) error {
	for some := range slices.Chunk(names, r.size) {
		answers, err := r.lookup(ctx, some)
		if err != nil {
			return err
		}
		for _, name := range some {
			r.remember(name, answers[name])
			r.note(name, answers[name], found, failures)
		}
	}
	return nil
}

// overtaken returns the names of what has another name by now, as the answer for that one says: the quantity of
// one must not be written over that of the other.
func (r *Resolver[T]) overtaken(found map[string]T) []string {
	if r.owners == nil {
		return nil
	}
	var out []string
	for name, thing := range found {
		if owner, ok := r.owners.Get(thing); ok && owner != name {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// Forget drops what is remembered of names, because the channel has shown that it is out of date. A
// nil resolver remembers nothing.
func (r *Resolver[T]) Forget(names ...string) {
	if r == nil || r.cache == nil {
		return
	}
	for _, name := range names {
		r.cache.Remove(name)
	}
}

func (r *Resolver[T]) remembered(name string) ([]T, bool) {
	if r.cache == nil {
		return nil, false
	}
	known, ok := r.cache.Get(name)
	if !ok {
		return nil, false
	}
	return known.(answer[T]).found, true //nolint:forcetypeassert // nothing else is stored
}

func (r *Resolver[T]) remember(name string, found []T) {
	if r.cache == nil {
		return
	}
	if len(found) != 1 {
		r.cache.Add(name, answer[T]{found}, UnknownTTL)
		return
	}
	if was, ok := r.owners.Get(found[0]); ok && was != name { // renamed: its old name may be another's now
		r.cache.Remove(was)
	}
	r.owners.Add(found[0], name, FoundTTL)
	r.cache.Add(name, answer[T]{found}, FoundTTL)
}

// note puts an answer with what was found, or with the failures.
func (r *Resolver[T]) note(name string, answer []T, found map[string]T, failures map[string]*channel.Error) {
	if len(answer) != 1 {
		failures[name] = r.explain(name, len(answer))
		return
	}
	if r.check != nil {
		if failure := r.check(answer[0]); failure != nil {
			failures[name] = failure
			r.Forget(name)
			return
		}
	}
	found[name] = answer[0]
}

// Unique says what is wrong with a SKU that so many items have, unless it is one.
func Unique(items int) *channel.Error {
	switch items {
	case 0:
		return channel.NewError(channel.Unmapped, channel.ReasonUnknownSKU, "the channel has no item with this SKU")
	case 1:
		return nil
	default:
		return channel.NewError(channel.Unmapped, channel.ReasonAmbiguousSKU, fmt.Sprintf("the channel has %d items with this SKU", items))
	}
}
