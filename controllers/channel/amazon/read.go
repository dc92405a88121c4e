package amazon

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"tallyman.dev/tallyman/controllers/channel"
)

// applyWindow is how long a listing may take to show a quantity that was accepted. Most do so within
// a minute.
const applyWindow = 5 * time.Minute

// applyBackoff are the pauses between two looks at listings.
var applyBackoff = wait.Backoff{Duration: 5 * time.Second, Factor: 1.5, Cap: 30 * time.Second, Steps: 1 << 20}

// Read implements channel.Reader.
func (c *listings) Read(ctx context.Context, batch channel.Batch) (channel.Readings, error) {
	targets, failures, err := c.current.Resolve(ctx, batch)
	if err != nil {
		return channel.Readings{}, err
	}
	out := channel.Readings{Quantities: make(map[int]int64, len(targets)), Failures: failures}
	for _, t := range targets {
		out.Quantities[t.Index] = t.Found.quantity(t.Code).Units
	}
	return out, nil
}

// shows reports whether a listing has the quantities that it was told.
func (it item) shows(l *listing) bool {
	for _, want := range l.quantities {
		if !it.quantity(want.Code).Is(want.Quantity) {
			return false
		}
	}
	return true
}

// awaitApplied follows patches that were accepted until the listings show them.
func (c *listings) awaitApplied(ctx context.Context, all []*listing, t *outcomes) error {
	var open []*listing
	for _, l := range all {
		if t.failures[l.items[0]] == nil {
			open = append(open, l)
		}
	}
	until := c.clock.Now().Add(applyWindow)
	err := channel.Poll(ctx, c.clock, applyBackoff, func(ctx context.Context) (bool, error) {
		var err error
		open, err = c.notApplied(ctx, open)
		return len(open) == 0 || !c.clock.Now().Before(until), err
	})
	if err != nil {
		return t.stop(err, 0, open)
	}
	for _, l := range open {
		t.fail(l, notApplied())
	}
	return nil
}

// notApplied returns those listings that do not show what they were told.
func (c *listings) notApplied(ctx context.Context, all []*listing) ([]*listing, error) {
	skus := make([]string, len(all))
	for i, l := range all {
		skus[i] = l.sku
	}
	found, _, err := c.current.Items.Resolve(ctx, skus)
	if err != nil {
		return all, err
	}
	var open []*listing
	for _, l := range all {
		if it, ok := found[l.sku]; !ok || !it.shows(l) {
			open = append(open, l)
		}
	}
	return open, nil
}

func notApplied() *channel.Error {
	return channel.NewError(channel.Unconfirmed, channel.ReasonNotApplied, "Amazon has accepted the quantity, and the listing does not show it: something may hold it up, or it was sold meanwhile")
}

var _ channel.Reader = (*listings)(nil)
