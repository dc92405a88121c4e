package cloudevents

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"k8s.io/utils/lru"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

const (
	// StreamBatchSize is the most events of a Push. Each is a message of its own.
	StreamBatchSize = 256

	// inFlight is how many messages may wait for their acknowledgement.
	inFlight = 64

	// maxRemembered bounds the subjects whose last message is remembered.
	maxRemembered = 100_000
)

// stream is the connector to a JetStream stream.
type stream struct {
	links     *links
	limiter   *channel.RateLimiter
	spec      inventoryv1alpha1.CloudEventsNATS
	mode      inventoryv1alpha1.ChannelMode
	subjects  subjects
	writer    writer
	batchSize int
	timeout   time.Duration // of one request
	redact    func(string) string
	last      *lru.Cache // position by subject
}

var _ channel.Reader = (*stream)(nil)

// newStream builds the connector to a stream. It connects at first use.
func newStream(cfg channel.Config, spec inventoryv1alpha1.CloudEventsNATS, w writer) (channel.Connector, error) {
	auth, err := newAuth(cfg)
	if err != nil {
		return nil, err
	}
	cfg.Credentials = auth.secrets
	dial, err := newDialer(cfg, spec, auth.option)
	if err != nil {
		return nil, err
	}
	return &stream{
		links: &links{dial: dial, dialing: make(chan struct{}, 1)}, limiter: channel.NewRateLimiter(cfg),
		spec: spec, mode: cfg.Channel.Spec.Mode, subjects: subjects{spec.SubjectPrefix}, writer: w,
		batchSize: cfg.BatchSize(StreamBatchSize), timeout: cfg.Channel.Timeout(),
		redact: channel.Redactor(cfg), last: lru.New(maxRemembered),
	}, nil
}

// Limits implements channel.Connector. A Push has many messages under way by itself.
func (s *stream) Limits() channel.Limits {
	return channel.Limits{BatchSize: s.batchSize, MaxParallel: 1, Patience: channel.MaxPatience}
}

// Close implements io.Closer.
func (s *stream) Close() error {
	s.links.close()
	return nil
}

// Probe implements channel.Connector: it looks at the configuration of the stream.
func (s *stream) Probe(ctx context.Context) error {
	return s.links.run(ctx, s.explain, func(ctx context.Context, l *link) error {
		var info *jetstream.StreamInfo
		err := s.ask(ctx, l, streamInfoSubject+s.spec.Stream, func(ctx context.Context) (err error) {
			info, err = l.stream.Info(ctx)
			return err
		})
		if err != nil {
			return err
		}
		return s.suits(info.Config)
	})
}

// suits returns why the stream cannot serve, nil if it can.
func (s *stream) suits(cfg jetstream.StreamConfig) error {
	want := s.subjects.all(s.mode)
	problem := ""
	switch {
	case !slices.ContainsFunc(cfg.Subjects, func(have string) bool { return covers(have, want) }):
		problem = "its subjects do not cover " + want
	case cfg.MaxMsgsPerSubject < 1:
		problem = "it keeps every message: maxMsgsPerSubject should be 1"
	case cfg.Discard == jetstream.DiscardNew && cfg.DiscardNewPerSubject:
		problem = "it discards new messages of a subject, not old ones"
	case cfg.Retention != jetstream.LimitsPolicy:
		problem = "it drops messages that were consumed: retention should be limits"
	case cfg.Sealed:
		problem = "it is sealed"
	default:
		return nil
	}
	return channel.NewError(channel.Retry, reasonUnsuitableStream, "stream "+s.spec.Stream+": "+problem)
}

// ask makes one request, at the rate of spec.rateLimit and within the Channel's timeout.
func (s *stream) ask(ctx context.Context, l *link, subject string, request func(context.Context) error) error {
	if err := s.limiter.Wait(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	return l.guard(ctx, subject, request)
}

// eventKey is what a message says of its origin and order.
type eventKey struct{ source, sequence, id string }

// position is the last message of a subject: its number in the stream, 0 for none, and whose it is.
type position struct {
	number uint64
	eventKey
}

// fetch asks for the last message of a subject; nil where there is none.
func (s *stream) fetch(ctx context.Context, l *link, subject string) (*jetstream.RawStreamMsg, error) {
	var msg *jetstream.RawStreamMsg
	asked := messageGetSubject + s.spec.Stream
	if l.direct {
		asked = strings.Join([]string{directGetSubject + s.spec.Stream, subject}, ".")
	}
	err := s.ask(ctx, l, asked, func(ctx context.Context) (err error) {
		msg, err = l.stream.GetLastMsgForSubject(ctx, subject)
		if isNoMessage(err) {
			return nil
		}
		return err
	})
	return msg, err
}
