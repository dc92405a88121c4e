package fake

import (
	"context"

	"tallyman.dev/tallyman/controllers/channel"
)

// Readable is a Channel that can be read back.
type Readable struct{ *Channel }

var _ channel.Reader = Readable{}

// Factory returns a factory that hands the channel out, whatever the configuration.
func (r Readable) Factory() channel.Factory {
	return func(channel.Config) (channel.Connector, error) { return r, nil }
}

// FailRead makes every Read return an error; nil ends that.
func (r Readable) FailRead(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.readErr = err
}

// Read implements channel.Reader. A SKU that the channel was never told of is Unmapped.
func (r Readable) Read(ctx context.Context, batch channel.Batch) (channel.Readings, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return channel.Readings{}, err
	}
	if r.readErr != nil {
		return channel.Readings{}, r.readErr
	}
	out := channel.Readings{Quantities: map[int]int64{}, Failures: map[int]*channel.Error{}}
	for i, it := range batch.Items {
		if have, told := r.holdings[locationSKUOf(batch.Mode, it)]; told {
			out.Quantities[i] = have.quantity
			continue
		}
		out.Failures[i] = channel.NewError(channel.Unmapped, "UnknownSKU", "no such SKU")
	}
	return out, nil
}
