package cloudevents_test

import (
	"context"
	"fmt"
	"math"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	clocktesting "k8s.io/utils/clock/testing"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/contract"
)

// lastRun is the largest number of a run within a term.
const lastRun = 999_999_999_999

// Subjects of the tests' items.
const (
	subjectA = busPrefix + ".WD-1.A"
	subjectB = busPrefix + ".WD-1.B"
)

// sequence is that of a run of a term.
func sequence(term, run uint64) string { return fmt.Sprintf("%020d.%012d", term, run) }

// item is of a run of the first term.
func item(sku string, quantity int64, run uint64) channel.Item { return itemOf(sku, quantity, 1, run) }

func itemOf(sku string, quantity int64, term, run uint64) channel.Item {
	return channel.Item{
		SKU: sku, Quantity: quantity, LocationCode: "WD-1", LocationQuantity: quantity, Sequence: sequence(term, run),
	}
}

func batch(items ...channel.Item) channel.Batch {
	return channel.Batch{Mode: inventoryv1alpha1.LocationWise, Items: items, IdempotencyKey: "key"}
}

// push wants the reasons of failures by index.
func push(t *testing.T, c channel.Connector, b channel.Batch, want map[int]string) {
	t.Helper()
	result, err := c.Push(t.Context(), b)
	if err != nil {
		t.Fatalf("Push: %v", err)
	}
	got := map[int]string{}
	for i, failure := range result.Failures {
		got[i] = string(failure.Class) + " " + string(failure.Reason)
	}
	if want == nil {
		want = map[int]string{}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
}

// wantQuantity checks the last event of a subject.
func (b *bus) wantQuantity(subject string, want int64) {
	b.Helper()
	if got, ok := b.quantity(subject); !ok || got != want {
		b.Errorf("%s: quantity %d (told: %v), want %d", subject, got, ok, want)
	}
}

// startStock starts a bus with the recommended stream, and a connector to it.
func startStock(t *testing.T) (*bus, channel.Connector) {
	t.Helper()
	stream := streamConfig()
	b := startBus(t, &stream, nil)
	return b, build(t, b.config(inventoryv1alpha1.LocationWise))
}

// TestTwoLeaders has one leader publish what another one has overtaken.
func TestTwoLeaders(t *testing.T) {
	t.Parallel()
	b, old := startStock(t)
	successor := build(t, b.config(inventoryv1alpha1.LocationWise))
	push(t, old, batch(item("A", 1, 5), item("B", 1, 5)), nil)
	push(t, successor, batch(item("A", 2, 7)), nil)
	push(t, old, batch(item("A", 3, 6), item("B", 3, 6)), map[int]string{0: "Retry Overtaken"})
	b.wantQuantity(subjectA, 2)
	b.wantQuantity(subjectB, 3)
	push(t, old, batch(item("A", 4, 8)), nil)
	b.wantQuantity(subjectA, 4)
	push(t, successor, batch(item("A", 5, 10)), nil) // though the old one has published since
	b.wantQuantity(subjectA, 5)
}

// TestLaterTermWins whatever the numbers of the runs, also for a process that remembers nothing.
func TestLaterTermWins(t *testing.T) {
	t.Parallel()
	b, old := startStock(t)
	push(t, old, batch(itemOf("A", 1, 9, lastRun)), nil)
	successor := build(t, b.config(inventoryv1alpha1.LocationWise))
	push(t, successor, batch(itemOf("A", 2, 10, 1)), nil)
	b.wantQuantity(subjectA, 2)
	push(t, old, batch(itemOf("A", 3, 9, lastRun)), map[int]string{0: "Retry Overtaken"})
	forgetful := build(t, b.config(inventoryv1alpha1.LocationWise))
	push(t, forgetful, batch(itemOf("A", 4, 9, lastRun)), map[int]string{0: "Retry Overtaken"})
	b.wantQuantity(subjectA, 2)
	push(t, forgetful, batch(itemOf("A", 5, math.MaxUint64, 1)), nil)
	b.wantQuantity(subjectA, 5)
}

// TestSequencesCompareAsNumbers: 10 is more than 9.
func TestSequencesCompareAsNumbers(t *testing.T) {
	t.Parallel()
	b, c := startStock(t)
	push(t, c, batch(item("A", 9, 9)), nil)
	push(t, c, batch(item("A", 10, 10)), nil)
	push(t, c, batch(item("A", 9, 9)), map[int]string{0: "Retry Overtaken"})
	b.wantQuantity(subjectA, 10)
}

// TestRepeated pushes the same again, as after a crash, from a process that remembers nothing.
func TestRepeated(t *testing.T) {
	t.Parallel()
	b, c := startStock(t)
	push(t, c, batch(item("A", 1, 5)), nil)
	push(t, c, batch(item("A", 1, 5)), nil)
	push(t, build(t, b.config(inventoryv1alpha1.LocationWise)), batch(item("A", 1, 5)), nil)
	if got := b.messages(); got != 1 {
		t.Errorf("%d messages, want 1", got)
	}
	push(t, c, batch(item("A", 2, 5)), nil) // another quantity is another event
	b.wantQuantity(subjectA, 2)
}

// TestRepeatedLater pushes the same again when the stream has forgotten its id.
func TestRepeatedLater(t *testing.T) {
	t.Parallel()
	stream := streamConfig()
	stream.Duplicates = 100 * time.Millisecond // the least there is
	b := startBus(t, &stream, nil)
	push(t, build(t, b.config(inventoryv1alpha1.LocationWise)), batch(item("A", 1, 5)), nil)
	b.await("the end of the duplicate window", func() bool {
		ack, err := b.js.Publish(t.Context(), busPrefix+".later", nil, jetstream.WithMsgID("later"))
		if err != nil {
			t.Fatal(err)
		}
		return ack.Sequence > 2
	})
	before := b.messages()
	push(t, build(t, b.config(inventoryv1alpha1.LocationWise)), batch(item("A", 1, 5)), nil)
	if got := b.messages(); got != before {
		t.Errorf("%d messages, want the %d of before", got, before)
	}
}

// TestAnotherSource is what an operator sets where sequences went back.
func TestAnotherSource(t *testing.T) {
	t.Parallel()
	b, c := startStock(t)
	push(t, c, batch(item("A", 1, 900)), nil)
	cfg := b.config(inventoryv1alpha1.LocationWise)
	cfg.Channel.Spec.CloudEvents.Source = "https://example.com/stock/2"
	push(t, build(t, cfg), batch(item("A", 2, 3)), nil)
	b.wantQuantity(subjectA, 2)
}

func TestWhatSomebodyElsePublishedIsReplaced(t *testing.T) {
	t.Parallel()
	b, c := startStock(t)
	push(t, c, batch(item("A", 1, 5)), nil)
	if _, err := b.js.Publish(t.Context(), subjectA, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	push(t, c, batch(item("A", 2, 6)), nil)
	b.wantQuantity(subjectA, 2)
	if err := b.stream.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	push(t, c, batch(item("A", 3, 7)), nil)
	b.wantQuantity(subjectA, 3)
}

// TestTooLarge has the stream refuse one message.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	stream := streamConfig()
	stream.MaxMsgSize = 1000
	b := startBus(t, &stream, nil)
	c := build(t, b.config(inventoryv1alpha1.LocationWise))
	push(t, c, batch(item("A", 1, 1), item(strings.Repeat("Ü", 200), 1, 1)), map[int]string{1: "Rejected TooLarge"})
	b.wantQuantity(subjectA, 1)
}

// TestPermissions tells a SKU that must not be published from credentials that may publish nothing.
func TestPermissions(t *testing.T) {
	t.Parallel()
	stream := streamConfig()
	start := func(change func(*server.Permissions)) channel.Connector {
		b := startBus(t, &stream, func(o *server.Options) { change(o.Users[1].Permissions) })
		return build(t, b.config(inventoryv1alpha1.LocationWise))
	}
	one := start(func(p *server.Permissions) { p.Publish.Deny = []string{subjectA} })
	push(t, one, batch(item("A", 1, 1), item("B", 1, 1)), map[int]string{0: "Rejected PermissionDenied"})
	for name, change := range map[string]func(*server.Permissions){
		"no publication": func(p *server.Permissions) { p.Publish.Deny = []string{busPrefix + ".>"} },
		"no look-up":     func(p *server.Permissions) { p.Publish.Deny = []string{"$JS.API.DIRECT.>"} },
		"no stream info": func(p *server.Permissions) { p.Publish.Deny = []string{"$JS.API.STREAM.INFO.>"} },
		"no answers":     func(p *server.Permissions) { p.Subscribe.Deny = []string{"_INBOX.>"} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := start(change).Push(t.Context(), batch(item("A", 1, 1), item("B", 1, 1)))
			if e := channel.AsError(err); e == nil || e.Class != channel.Unauthorized {
				t.Errorf("Push: %v, want an error of class %s", err, channel.Unauthorized)
			}
		})
	}
}

func TestProbe(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		change     func(*jetstream.StreamConfig)
		wantReason string
		wantWords  string
	}{
		"as recommended":     {func(*jetstream.StreamConfig) {}, "", ""},
		"just wide enough":   {func(c *jetstream.StreamConfig) { c.Subjects = []string{"other", busPrefix + ".*.*"} }, "", ""},
		"some history":       {func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 5 }, "", ""},
		"another stream":     {func(c *jetstream.StreamConfig) { c.Name = "OTHER" }, "NoStream", ""},
		"too narrow":         {func(c *jetstream.StreamConfig) { c.Subjects = []string{busPrefix + ".*.A"} }, "UnsuitableStream", busPrefix + ".*.*"},
		"keeps all":          {func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = -1 }, "UnsuitableStream", "maxMsgsPerSubject"},
		"keeps the first":    {func(c *jetstream.StreamConfig) { c.Discard, c.DiscardNewPerSubject = jetstream.DiscardNew, true }, "UnsuitableStream", "discards"},
		"keeps none for all": {func(c *jetstream.StreamConfig) { c.Retention = jetstream.WorkQueuePolicy }, "UnsuitableStream", "retention"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stream := streamConfig()
			tc.change(&stream)
			b := startBus(t, &stream, nil)
			err := build(t, b.config(inventoryv1alpha1.LocationWise)).Probe(t.Context())
			if tc.wantReason == "" {
				if err != nil {
					t.Errorf("Probe: %v", err)
				}
				return
			}
			contract.WantError(t, err, channel.Retry, tc.wantReason)
			if !strings.Contains(err.Error(), tc.wantWords) {
				t.Errorf("%v, want it to name %s", err, tc.wantWords)
			}
		})
	}
}

// TestStreamIsGone has the stream deleted under a connection, and made again.
func TestStreamIsGone(t *testing.T) {
	t.Parallel()
	b, c := startStock(t)
	push(t, c, batch(item("A", 1, 1)), nil)
	if err := b.js.DeleteStream(t.Context(), busStream); err != nil {
		t.Fatal(err)
	}
	_, err := c.Push(t.Context(), batch(item("A", 2, 2)))
	contract.WantError(t, err, channel.Retry, "NoStream")
	contract.WantError(t, c.Probe(t.Context()), channel.Retry, "NoStream")
	b.createStream()
	push(t, c, batch(item("A", 3, 3)), nil)
	b.wantQuantity(subjectA, 3)
}

func (b *bus) createStream() {
	b.Helper()
	var err error
	if b.stream, err = b.js.CreateStream(b.Context(), streamConfig()); err != nil {
		b.Fatal(err)
	}
}

// TestConnectionIsLost cuts a connection at rest: the next call makes another one by itself.
func TestConnectionIsLost(t *testing.T) {
	t.Parallel()
	stream := streamConfig()
	b := startBus(t, &stream, nil)
	r := startRelay(t, b, "")
	cfg := b.config(inventoryv1alpha1.LocationWise)
	cfg.Channel.Spec.CloudEvents.NATS.Servers = []inventoryv1alpha1.NATSURL{inventoryv1alpha1.NATSURL(r.url())}
	c := build(t, cfg)
	for i := range int64(3) {
		push(t, c, batch(item("A", i, uint64(i))), nil)
		r.cut()
	}
	b.wantQuantity(subjectA, 2)
	b.server.Shutdown()
	_, err := c.Push(t.Context(), batch(item("A", 9, 9)))
	if e := channel.AsError(err); e == nil || e.Class != channel.Retry {
		t.Errorf("Push without a server: %v, want an error of class %s", err, channel.Retry)
	}
}

// TestClose looks at the server for connections that stay.
func TestClose(t *testing.T) {
	t.Parallel()
	b, c := startStock(t)
	idle := b.server.NumClients()
	push(t, c, batch(item("A", 1, 1)), nil)
	b.wantClients(idle + 1)
	if err := channel.Close(c); err != nil {
		t.Fatal(err)
	}
	b.wantClients(idle)
	push(t, c, batch(item("A", 2, 2)), nil) // of a job that had begun
	b.wantQuantity(subjectA, 2)
	b.wantClients(idle)
}

// TestCloseDuringACall lets the call end.
func TestCloseDuringACall(t *testing.T) {
	t.Parallel()
	stream := streamConfig()
	b := startBus(t, &stream, nil)
	idle := b.server.NumClients()
	cfg := b.config(inventoryv1alpha1.LocationWise)
	clock := clocktesting.NewFakeClock(time.Now())
	cfg.Clock = clock
	cfg.Channel.Spec.RateLimit = &inventoryv1alpha1.ChannelRateLimit{RequestsPerMinute: 60}
	c := build(t, cfg)
	done := make(chan error, 1)
	go func() {
		_, err := c.Push(context.Background(), batch(item("A", 1, 1)))
		done <- err
	}()
	b.await("the second request to wait for the rate limit", clock.HasWaiters)
	if err := channel.Close(c); err != nil {
		t.Fatal(err)
	}
	clock.Step(time.Second)
	if err := <-done; err != nil {
		t.Errorf("Push: %v", err)
	}
	b.wantQuantity(subjectA, 1)
	b.wantClients(idle)
}

func (b *bus) wantClients(want int) {
	b.Helper()
	b.await("the server's connections", func() bool { return b.server.NumClients() == want })
}

// await polls for what no event announces.
func (b *bus) await(what string, ok func() bool) {
	b.Helper()
	overdue := time.NewTimer(patience)
	defer overdue.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-overdue.C:
			b.Fatalf("waited in vain for %s", what)
		}
	}
}

// TestAdvertisedServersAreIgnored has a server name another one, to which a client of NATS would go.
func TestAdvertisedServersAreIgnored(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var strayed atomic.Int32
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			strayed.Add(1)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = listener.Close() })
	stream := streamConfig()
	b := startBus(t, &stream, nil)
	r := startRelay(t, b, "http://"+listener.Addr().String())
	r.Behave(contract.Redirect)
	cfg := b.config(inventoryv1alpha1.LocationWise)
	cfg.Channel.Spec.CloudEvents.NATS.Servers = []inventoryv1alpha1.NATSURL{inventoryv1alpha1.NATSURL(r.url())}
	c := build(t, cfg)
	for range 2 {
		_, err = c.Push(t.Context(), batch(item("A", 1, 1)))
		if e := channel.AsError(err); e == nil || e.Class != channel.Retry {
			t.Errorf("Push: %v, want an error of class %s", err, channel.Retry)
		}
	}
	if n := strayed.Load(); n > 0 {
		t.Errorf("%d connections to an address that the Channel does not declare", n)
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	for name, direct := range map[string]bool{"direct": true, "through the leader": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stream := streamConfig()
			stream.AllowDirect = direct
			b := startBus(t, &stream, nil)
			reader, ok := build(t, b.config(inventoryv1alpha1.LocationWise)).(channel.Reader)
			if !ok {
				t.Fatal("the connector is no Reader")
			}
			push(t, reader, batch(item("A", 7, 1), item("ZERO", 0, 1)), nil)
			if _, err := b.js.Publish(t.Context(), busPrefix+".WD-1.FOREIGN", []byte("{}")); err != nil {
				t.Fatal(err)
			}
			got, err := reader.Read(t.Context(), batch(item("A", 1, 0), item("ZERO", 1, 0), item("NONE", 1, 0), item("FOREIGN", 1, 0)))
			if err != nil {
				t.Fatalf("Read: %v", err)
			}
			if diff := cmp.Diff(map[int]int64{0: 7, 1: 0}, got.Quantities); diff != "" {
				t.Errorf("quantities (-want +got):\n%s", diff)
			}
			reasons := map[int]string{}
			for i, failure := range got.Failures {
				reasons[i] = string(failure.Class) + " " + string(failure.Reason)
			}
			if diff := cmp.Diff(map[int]string{2: "Unmapped NoEvent", 3: "Unmapped ForeignEvent"}, reasons); diff != "" {
				t.Errorf("failures (-want +got):\n%s", diff)
			}
		})
	}
}
