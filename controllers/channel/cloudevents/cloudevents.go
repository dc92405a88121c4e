// Package cloudevents is the connector for consumers of CloudEvents 1.0: an event for each quantity, in
// batches over HTTP, or one by one to a NATS JetStream stream that keeps the last of each SKU.
//
// Events carry the extension `sequence`, by which consumers drop what is older than what they have.
package cloudevents

import (
	"tallyman.dev/tallyman/controllers/channel"
)

// New builds the connector.
func New(cfg channel.Config) (channel.Connector, error) {
	spec := cfg.Channel.Spec.CloudEvents
	if spec == nil || (spec.HTTP == nil) == (spec.NATS == nil) {
		return nil, channel.InvalidSpec("spec.cloudEvents must have one of http and nats")
	}
	w := newWriter(cfg)
	if _, err := w.event(cfg.Channel.Spec.Mode, channel.Item{SKU: "a", LocationCode: "b"}); err != nil {
		return nil, err
	}
	if spec.HTTP != nil {
		return newHTTP(cfg, *spec.HTTP, w)
	}
	return newStream(cfg, *spec.NATS, w)
}
