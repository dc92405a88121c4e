package cloudevents

import (
	"encoding/json"
	"io"
	"net"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	clocktesting "k8s.io/utils/clock/testing"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

// eventOf is an event of the source /s with any data.
func eventOf(data string) string {
	return `{"specversion":"1.0","id":"1","source":"/s","type":"` + EventType + `","data":` + data + `}`
}

func TestQuantityOfAnEvent(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		content string
		want    int64
		foreign bool
	}{
		"whole":          {content: eventOf(`{"quantity":7}`), want: 7},
		"zero":           {content: eventOf(`{"quantity":0}`)},
		"negative":       {content: eventOf(`{"quantity":-3}`), want: -3},
		"more fields":    {content: eventOf(`{"sku":"A","quantity":7,"colour":"red"}`), want: 7},
		"fraction":       {content: eventOf(`{"quantity":7.5}`), foreign: true},
		"text":           {content: eventOf(`{"quantity":"7"}`), foreign: true},
		"too large":      {content: eventOf(`{"quantity":1e30}`), foreign: true},
		"none":           {content: eventOf(`{}`), foreign: true},
		"null":           {content: eventOf(`{"quantity":null}`), foreign: true},
		"no object":      {content: eventOf(`7`), foreign: true},
		"another source": {content: `{"specversion":"1.0","id":"1","source":"/other","type":"` + EventType + `","data":{"quantity":7}}`, foreign: true},
		"another type":   {content: `{"specversion":"1.0","id":"1","source":"/s","type":"other","data":{"quantity":7}}`, foreign: true},
		"no id":          {content: `{"specversion":"1.0","source":"/s","type":"` + EventType + `","data":{"quantity":7}}`, foreign: true},
		"no event":       {content: `{"quantity":7}`, foreign: true},
		"no JSON":        {content: `hello`, foreign: true},
		"empty":          {foreign: true},
	}
	s := &stream{writer: writer{source: "/s"}}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, failure := s.quantity([]byte(tc.content))
			if (failure != nil) != tc.foreign || got != tc.want {
				t.Errorf("%d, %v, want %d, foreign: %v", got, failure, tc.want, tc.foreign)
			}
			if failure != nil && failure.Class != channel.Unmapped {
				t.Errorf("class %s, want %s", failure.Class, channel.Unmapped)
			}
		})
	}
}

// FuzzQuantity checks that no message makes the decoder panic, and that one which it reads is JSON.
func FuzzQuantity(f *testing.F) {
	for _, seed := range []string{"", "{}", "hello", eventOf(`{"quantity":7}`), eventOf(`{"quantity":7.5}`), eventOf(`[`)} {
		f.Add([]byte(seed))
	}
	s := &stream{writer: writer{source: "/s"}}
	f.Fuzz(func(t *testing.T, content []byte) {
		if _, failure := s.quantity(content); failure == nil && !json.Valid(content) {
			t.Errorf("%q is taken for an event", content)
		}
	})
}

// TestIDs: they are the same for the same content, and for no other.
func TestIDs(t *testing.T) {
	t.Parallel()
	clock := clocktesting.NewFakeClock(time.Now())
	w := writer{"/s", clock}
	id := func(w writer, mode inventoryv1alpha1.ChannelMode, it channel.Item) string {
		clock.Step(time.Second)
		e, err := w.event(mode, it)
		if err != nil {
			t.Fatal(err)
		}
		return e.ID()
	}
	const each, sum = inventoryv1alpha1.LocationWise, inventoryv1alpha1.Consolidated
	it := channel.Item{SKU: "A", LocationCode: "L", Quantity: 1, Sequence: "1"}
	first := id(w, each, it)
	if again := id(w, each, it); again != first {
		t.Error("the id changes though nothing else does")
	}
	ids := map[string]string{}
	for name, got := range map[string]string{
		"the item": first,
		"sequence": id(w, each, channel.Item{SKU: "A", LocationCode: "L", Quantity: 1, Sequence: "2"}),
		"quantity": id(w, each, channel.Item{SKU: "A", LocationCode: "L", Quantity: 2, Sequence: "1"}),
		"location": id(w, each, channel.Item{SKU: "A", LocationCode: "M", Quantity: 1, Sequence: "1"}),
		"SKU":      id(w, each, channel.Item{SKU: "B", LocationCode: "L", Quantity: 1, Sequence: "1"}),
		"mode":     id(w, sum, it),
		"source":   id(writer{"/t", clock}, each, it),
	} {
		if other, twice := ids[got]; twice {
			t.Errorf("another %s and another %s have the same id", name, other)
		}
		ids[got] = name
	}
}

func TestClassify(t *testing.T) {
	t.Parallel()
	api := func(code int, errorCode jetstream.ErrorCode) error {
		return &jetstream.APIError{Code: code, ErrorCode: errorCode, Description: "words"}
	}
	cases := map[string]struct {
		err    error
		class  channel.Class
		reason string
	}{
		"too many requests": {api(429, 10167), channel.Throttled, "Throttled"},
		"forbidden":         {api(403, 10138), channel.Unauthorized, "Unauthorized"},
		"unavailable":       {api(503, 10008), channel.Retry, "JetStream10008"},
		"another stream":    {api(400, 10060), channel.Retry, "JetStream10060"},
		"no stream":         {jetstream.ErrStreamNotFound, channel.Retry, "NoStream"},
		"nobody listens":    {jetstream.ErrNoStreamResponse, channel.Retry, "NoStream"},
		"expired":           {nats.ErrAuthExpired, channel.Unauthorized, "Unauthorized"},
		"revoked":           {nats.ErrAuthRevoked, channel.Unauthorized, "Unauthorized"},
		"timeout":           {nats.ErrTimeout, channel.Retry, "Timeout"},
		"no server":         {nats.ErrNoServers, channel.Retry, "ConnectionFailed"},
		"no TLS":            {nats.ErrSecureConnWanted, channel.Retry, "ConnectionFailed"},
		"anything":          {json.Unmarshal([]byte("{"), new(int)), channel.Retry, "Failed"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &stream{redact: channel.Redactor(channel.Config{})}
			e := channel.AsError(s.explain(tc.err))
			if e.Class != tc.class || string(e.Reason) != tc.reason || e.Message == "" {
				t.Errorf("%s, %v, want %s, %s", e.Class, e, tc.class, tc.reason)
			}
		})
	}
}

// TestBounded reads from a server without end.
func TestBounded(t *testing.T) {
	t.Parallel()
	server, client := net.Pipe()
	t.Cleanup(func() { _ = server.Close() })
	go func() {
		for {
			if _, err := server.Write(make([]byte, 1<<20)); err != nil {
				return
			}
		}
	}()
	b := &budget{}
	b.renew()
	n, err := io.Copy(io.Discard, io.LimitReader(bounded{client, b}, 2*maxAnswers))
	if err == nil || n > maxAnswers {
		t.Errorf("%d bytes, %v, want at most %d and an error", n, err, maxAnswers)
	}
	b.renew()
	if _, err := io.CopyN(io.Discard, bounded{client, b}, 1<<20); err != nil {
		t.Errorf("after a new request: %v", err)
	}
	_ = client.Close()
}
