package cloudevents

import (
	"context"
	"sync"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"tallyman.dev/tallyman/controllers/channel"
)

// maxRaces is how often a message is published that another one overtakes.
const maxRaces = 3

// message is an event on its way.
type message struct {
	subject string
	eventKey
	content []byte
}

// Push implements channel.Connector. Every message is acknowledged by the stream, which takes it only
// if the subject's last one is that which the event was compared with: a message that is late replaces
// nothing newer.
func (s *stream) Push(ctx context.Context, batch channel.Batch) (channel.Result, error) {
	messages := make([]message, len(batch.Items))
	for i, it := range batch.Items {
		e, content, err := s.writer.encode(batch.Mode, it)
		if err != nil {
			return channel.Result{}, err
		}
		messages[i] = message{s.subjects.of(batch.Mode, it), eventKeyOf(e), content}
	}
	var result channel.Result
	err := s.links.run(ctx, s.explain, func(ctx context.Context, l *link) (err error) {
		result, err = s.publishAll(ctx, l, messages)
		return err
	})
	return result, err
}

func eventKeyOf(e event.Event) eventKey {
	sequence, _ := e.Extensions()[SequenceExtension].(string)
	return eventKey{e.Source(), sequence, e.ID()}
}

// publishAll publishes messages side by side. What the server says of one message is its failure;
// anything else fails the call.
func (s *stream) publishAll(ctx context.Context, l *link, messages []message) (channel.Result, error) {
	var mu sync.Mutex
	failures := map[int]*channel.Error{}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(inFlight)
	for i, m := range messages {
		group.Go(func() error {
			err := s.publish(ctx, l, m)
			if err == nil {
				return nil
			}
			failure := s.failureOf(err)
			if failure == nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			failures[i] = failure
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return channel.Result{}, err
	}
	if err := denied(failures, len(messages)); err != nil {
		return channel.Result{}, err
	}
	return channel.Result{Failures: failures}, nil
}

// denied tells credentials that may publish nothing of a call, which stops the channel, from a SKU whose
// subject they may not publish to.
func denied(failures map[int]*channel.Error, messages int) error {
	if len(failures) < messages {
		return nil
	}
	for _, failure := range failures {
		if failure.Reason != reasonPermissionDenied {
			return nil
		}
	}
	return failures[0].With(channel.Unauthorized)
}

// publish brings a subject to a message, unless it has a newer one.
func (s *stream) publish(ctx context.Context, l *link, m message) error {
	at, known := s.remembered(m.subject)
	for range maxRaces {
		if !known {
			var err error
			if at, err = s.lookAt(ctx, l, m.subject); err != nil {
				return err
			}
		}
		if at.source == m.source {
			switch {
			case at.eventKey == m.eventKey:
				return nil // by a Push whose answer was lost
			case at.sequence > m.sequence:
				return overtaken(at)
			}
		}
		number, err := s.send(ctx, l, m, at.number)
		if err == nil {
			s.last.Add(m.subject, position{number, m.eventKey})
			return nil
		}
		s.last.Remove(m.subject)
		if !isRace(err) {
			return err
		}
		known = false
	}
	return channel.NewError(channel.Retry, reasonContended, "somebody else publishes to the subject at the same time")
}

func (s *stream) remembered(subject string) (position, bool) {
	value, known := s.last.Get(subject)
	if !known {
		return position{}, false
	}
	return value.(position), true //nolint:forcetypeassert // nothing else is stored
}

// lookAt asks for the last message of a subject. One that is no event has no source.
func (s *stream) lookAt(ctx context.Context, l *link, subject string) (position, error) {
	msg, err := s.fetch(ctx, l, subject)
	if err != nil || msg == nil {
		return position{}, err
	}
	e, err := decode(msg.Data)
	if err != nil {
		return position{number: msg.Sequence}, nil //nolint:nilerr // it is replaced, whatever it is
	}
	return position{msg.Sequence, eventKeyOf(e)}, nil
}

// send publishes a message after the subject's message of a number, and returns its own number.
func (s *stream) send(ctx context.Context, l *link, m message, after uint64) (uint64, error) {
	msg := nats.NewMsg(m.subject)
	msg.Data = m.content
	msg.Header.Set("content-type", event.ApplicationCloudEventsJSON)
	var ack *jetstream.PubAck
	err := s.ask(ctx, l, m.subject, func(ctx context.Context) (err error) {
		ack, err = l.js.PublishMsg(ctx, msg, jetstream.WithMsgID(m.id), jetstream.WithExpectStream(s.spec.Stream),
			jetstream.WithExpectLastSequencePerSubject(after), jetstream.WithRetryAttempts(0))
		return err
	})
	if err != nil {
		return 0, err
	}
	return ack.Sequence, nil
}

// overtaken is retried with a later sequence, which is in vain where sequences went back.
func overtaken(at position) error {
	return channel.NewError(channel.Retry, reasonOvertaken, "the subject has a newer event, of sequence "+at.sequence+
		": another leader has published it; or, if this lasts, etcd was restored from a backup, and spec.cloudEvents.source has to be changed")
}
