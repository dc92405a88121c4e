package channelsync

import (
	"context"

	"tallyman.dev/tallyman/controllers/channel"
)

// missing is the connector of a channel that cannot be reached, as its configuration lacks something. No lane calls it: its
// link is never open.
type missing struct{}

var _ channel.Connector = missing{}

func (missing) Limits() channel.Limits { return channel.Limits{BatchSize: 1, MaxParallel: 1} }

func (missing) Probe(context.Context) error { return errMissing }

func (missing) Push(context.Context, channel.Batch) (channel.Result, error) {
	return channel.Result{}, errMissing
}

var errMissing = channel.NewError(channel.Throttled, "NotConfigured", "the channel's configuration lacks something: see its condition Ready")
