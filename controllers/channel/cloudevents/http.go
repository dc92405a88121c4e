package cloudevents

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/cloudevents/sdk-go/v2/event"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

const (
	// HTTPBatchSize is the most events in a call. CloudEvents knows no limit; events of at most 64 KiB
	// together pass every intermediary, and these have some 500 bytes.
	HTTPBatchSize = 100

	// httpParallel is how many calls may be under way.
	httpParallel = 4
)

// receiver is the connector over HTTP.
type receiver struct {
	http      *channel.HTTPClient
	url       string
	header    http.Header
	batchSize int
	writer    writer
}

// newHTTP builds the connector over HTTP. Every key of the credentials Secret is a header.
func newHTTP(cfg channel.Config, spec inventoryv1alpha1.CloudEventsHTTP, w writer) (channel.Connector, error) {
	client, err := channel.NewHTTPClient(cfg)
	if err != nil {
		return nil, err
	}
	header, err := cfg.Secret().Headers()
	if err != nil {
		return nil, err
	}
	return &receiver{http: client, url: string(spec.URL), header: header, batchSize: cfg.BatchSize(HTTPBatchSize), writer: w}, nil
}

// Limits implements channel.Connector.
func (r *receiver) Limits() channel.Limits {
	return channel.Limits{BatchSize: r.batchSize, MaxParallel: httpParallel, Patience: channel.MaxPatience}
}

// Probe implements channel.Connector. An OPTIONS request tells whether somebody answers: only that the
// credentials are refused, or the endpoint is gone, counts against the channel, as few receivers
// implement OPTIONS.
func (r *receiver) Probe(ctx context.Context) error {
	answer, err := r.http.Do(ctx, channel.Request{Method: http.MethodOptions, URL: r.url, Header: r.header})
	if err = gone(answer, err); err == nil {
		return nil
	}
	switch class := channel.AsError(err).Class; {
	case answer == nil, class == channel.Unauthorized, class == channel.Terminal:
		return err
	}
	return nil
}

// Push implements channel.Connector. What a receiver says of a batch it says of all its events.
func (r *receiver) Push(ctx context.Context, batch channel.Batch) (channel.Result, error) {
	events := make([]event.Event, len(batch.Items))
	for i, it := range batch.Items {
		var err error
		if events[i], err = r.writer.event(batch.Mode, it); err != nil {
			return channel.Result{}, err
		}
	}
	body, err := json.Marshal(events)
	if err != nil {
		return channel.Result{}, invalidEvent(err)
	}
	header := r.header.Clone()
	header.Set("Idempotency-Key", batch.IdempotencyKey) // lets net/http repeat the call on a fresh connection
	answer, err := r.http.Do(ctx, channel.Request{
		Method: http.MethodPost, URL: r.url, Header: header,
		Body: channel.Raw{ContentType: event.ApplicationCloudEventsBatchJSON, Content: body},
	})
	return channel.Result{}, gone(answer, err)
}

// gone makes 410 final: by the web hook specification of CloudEvents, an endpoint that answers so is
// retired, and must not be called again.
func gone(answer *channel.Response, err error) error {
	if err == nil || answer == nil || answer.Status != http.StatusGone {
		return err
	}
	return channel.AsError(err).With(channel.Terminal).WithReason(reasonGone)
}
