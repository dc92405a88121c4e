package cloudevents

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/cloudevents/sdk-go/v2/event"
	"golang.org/x/sync/errgroup"

	"tallyman.dev/tallyman/controllers/channel"
)

// Read implements channel.Reader: it looks at the last message of each subject.
func (s *stream) Read(ctx context.Context, batch channel.Batch) (channel.Readings, error) {
	var readings channel.Readings
	err := s.links.run(ctx, s.explain, func(ctx context.Context, l *link) (err error) {
		readings, err = s.readAll(ctx, l, batch)
		return err
	})
	return readings, err
}

func (s *stream) readAll(ctx context.Context, l *link, batch channel.Batch) (channel.Readings, error) {
	var mu sync.Mutex
	out := channel.Readings{Quantities: make(map[int]int64, len(batch.Items)), Failures: map[int]*channel.Error{}}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(inFlight)
	for i, it := range batch.Items {
		group.Go(func() error {
			msg, err := s.fetch(ctx, l, s.subjects.of(batch.Mode, it))
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			if msg == nil {
				out.Failures[i] = channel.NewError(channel.Unmapped, reasonNoEvent, "the stream has no event of the SKU")
				return nil
			}
			quantity, failure := s.quantity(msg.Data)
			if failure != nil {
				out.Failures[i] = failure
				return nil
			}
			out.Quantities[i] = quantity
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return channel.Readings{}, err
	}
	return out, nil
}

// quantity reads an event. One of another origin counts as none: its consumers may not know what to make
// of it.
func (s *stream) quantity(content []byte) (int64, *channel.Error) {
	foreign := channel.NewError(channel.Unmapped, reasonForeignEvent, "the last message of the SKU is no event of this channel")
	e, err := decode(content)
	if err != nil || e.Source() != s.writer.source || e.Type() != EventType {
		return 0, foreign
	}
	var data struct {
		Quantity *int64 `json:"quantity"`
	}
	if err := json.Unmarshal(e.Data(), &data); err != nil || data.Quantity == nil {
		return 0, foreign
	}
	return *data.Quantity, nil
}

// decode reads an event in structured form.
func decode(content []byte) (event.Event, error) {
	var e event.Event
	if err := json.Unmarshal(content, &e); err != nil {
		return e, err
	}
	return e, e.Validate()
}
