package resolve

import (
	"context"
	"fmt"

	"tallyman.dev/tallyman/controllers/channel"
)

// Nowhere is the location of channels that are not asked for any.
type Nowhere = struct{}

// Target is an item of a batch with what the channel calls it.
type Target[T, L comparable] struct {
	channel.Item
	// Index of the item in the batch.
	Index int
	// Found is what the SKU stands for; zero where SKUs are not looked up.
	Found T
	// Code is what the location is called: that of the item, or that of the sums in Consolidated mode.
	Code string
	// Location is what Code stands for; zero where locations are not looked up.
	Location L
}

// Targets is the step from the items of a batch to what the channel calls them. It is safe for concurrent use; its
// fields are set before the first one.
type Targets[T, L comparable] struct {
	// Items finds what SKUs stand for; nil where the channel is told SKUs as they are.
	Items *Resolver[T]
	// Locations finds what codes of locations stand for; nil where the channel is told codes as they are.
	Locations *Resolver[L]
	// Sums is the code of the location that takes the sums in Consolidated mode.
	Sums string
	// KeepFirst means that of items whose quantities would overwrite one another, as two codes stand for one
	// location, the first is a target; unless set none is.
	KeepFirst bool
}

// Resolve returns the items of a batch that have a target, in their order, and by index why others have none.
// Its error is that of a look-up: nothing is known then.
func (t *Targets[T, L]) Resolve(ctx context.Context, b channel.Batch) ([]Target[T, L], map[int]*channel.Error, error) {
	all, failures := make([]Target[T, L], 0, len(b.Items)), map[int]*channel.Error{}
	for i, it := range b.Items {
		all = append(all, Target[T, L]{Item: it, Index: i, Code: b.LocationOf(it, t.Sums)})
	}
	// What is wrong with a location must not be blamed on SKUs: these are looked up where it is found.
	all, err := find(ctx, all, t.Locations, Target[T, L].code, func(target *Target[T, L], at L) { target.Location = at }, failures)
	if err != nil {
		return nil, nil, err
	}
	all, err = find(ctx, all, t.Items, Target[T, L].sku, func(target *Target[T, L], found T) { target.Found = found }, failures)
	if err != nil {
		return nil, nil, err
	}
	return t.distinct(all, failures), failures, nil
}

// Again forgets what is remembered of targets, as the channel has shown that it is out of date, and resolves them
// anew. The failures are those of these items alone.
func (t *Targets[T, L]) Again(ctx context.Context, b channel.Batch, stale []Target[T, L]) ([]Target[T, L], map[int]*channel.Error, error) {
	t.Forget(stale...)
	items := b.Items
	b.Items = make([]channel.Item, len(stale))
	for i, s := range stale {
		b.Items[i] = items[s.Index]
	}
	all, failed, err := t.Resolve(ctx, b)
	if err != nil {
		return nil, nil, err
	}
	for i := range all {
		all[i].Index = stale[all[i].Index].Index
	}
	failures := make(map[int]*channel.Error, len(failed))
	for i, failure := range failed {
		failures[stale[i].Index] = failure
	}
	return all, failures, nil
}

// Forget drops what is remembered of targets, because the channel has shown that it is out of date.
func (t *Targets[T, L]) Forget(targets ...Target[T, L]) {
	for _, target := range targets {
		t.Items.Forget(target.SKU)
		t.Locations.Forget(target.Code)
	}
}

func (t Target[T, L]) sku() string { return t.SKU }

func (t Target[T, L]) code() string { return t.Code }

// find looks up one name of each target, and returns the targets whose name stands for something.
func find[T, L, F comparable](
	ctx context.Context, all []Target[T, L], by *Resolver[F], name func(Target[T, L]) string,
	take func(*Target[T, L], F), failures map[int]*channel.Error,
) ([]Target[T, L], error) {
	if by == nil {
		return all, nil
	}
	var names []string
	seen := make(map[string]bool, len(all))
	for _, target := range all {
		if !seen[name(target)] {
			seen[name(target)] = true
			names = append(names, name(target))
		}
	}
	found, failed, err := by.Resolve(ctx, names)
	if err != nil {
		return nil, err
	}
	out := all[:0]
	for _, target := range all {
		if failure := failed[name(target)]; failure != nil {
			failures[target.Index] = failure
			continue
		}
		take(&target, found[name(target)])
		out = append(out, target)
	}
	return out, nil
}

// distinct leaves out targets whose quantities would overwrite one another.
func (t *Targets[T, L]) distinct(all []Target[T, L], failures map[int]*channel.Error) []Target[T, L] {
	if t.Locations == nil || t.Items == nil {
		return all // an item comes once for a SKU and a code
	}
	type quantityKey struct {
		found    T
		location L
	}
	first := make(map[quantityKey]Target[T, L], len(all))
	for _, target := range all {
		at := quantityKey{target.Found, target.Location}
		other, taken := first[at]
		if !taken {
			first[at] = target
			continue
		}
		failures[target.Index] = sameLocation(target.Code, other.Code)
		if !t.KeepFirst {
			failures[other.Index] = sameLocation(other.Code, target.Code)
		}
	}
	out := all[:0]
	for _, target := range all {
		if failures[target.Index] == nil {
			out = append(out, target)
		}
	}
	return out
}

func sameLocation(code, other string) *channel.Error {
	return channel.NewError(channel.Unmapped, channel.ReasonAmbiguousLocation,
		fmt.Sprintf("the location %q is also called %q: one quantity would overwrite the other", code, other))
}

// BySKU groups targets by their SKUs, in their order: the quantities of an item at several locations.
func BySKU[T, L comparable](targets []Target[T, L]) [][]Target[T, L] {
	var out [][]Target[T, L]
	group := make(map[string]int, len(targets))
	for _, target := range targets {
		at, known := group[target.SKU]
		if !known {
			at, out = len(out), append(out, nil)
			group[target.SKU] = at
		}
		out[at] = append(out[at], target)
	}
	return out
}
