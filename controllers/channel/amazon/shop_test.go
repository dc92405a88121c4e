package amazon_test

import (
	"net/http"
	"strings"
	"testing"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/amazon"
	"tallyman.dev/tallyman/controllers/channel/amazon/amazontest"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

// shop is an Amazon and the connector that reaches it.
type shop struct {
	*amazontest.Server
	channel.Reader
	clock *hastyClock
	cfg   channel.Config
}

// open makes a shop whose traffic is checked against the models.
func open(t *testing.T, change func(*inventoryv1alpha1.AmazonChannel)) *shop {
	t.Helper()
	return openBehind(t, nil, change)
}

// openBehind makes a shop whose requests pass through a handler, which gets the server. What it answers
// by itself is not checked.
func openBehind(t *testing.T, front func(*amazontest.Server, http.ResponseWriter, *http.Request), change func(*inventoryv1alpha1.AmazonChannel)) *shop {
	t.Helper()
	s := &shop{clock: &hastyClock{}}
	s.Server = amazontest.New(s.clock, credentials())
	h := checked(t, s.Server, func() bool { return front != nil })
	url := fakeserver.Start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if front == nil {
			h.ServeHTTP(w, r)
			return
		}
		front(s.Server, w, r)
	}))
	s.cfg = configFor(url, s.clock)
	if change != nil {
		change(s.cfg.Channel.Spec.Amazon)
	}
	s.Reader = contract.BuildReader(t, amazon.New, s.cfg)
	return s
}

// know makes listings.
func (s *shop) know(skus ...string) {
	for _, sku := range skus {
		s.Know(sku)
	}
}

// push pushes at one location and returns the failures by SKU, as class and reason.
func (s *shop) push(t *testing.T, items ...channel.Item) map[string]string {
	t.Helper()
	b := batch(items...)
	result, err := s.Push(t.Context(), b)
	if err != nil {
		t.Fatalf("Push: %v", err)
	}
	return contract.ReasonsBySKU(b, result.Failures)
}

func batch(items ...channel.Item) channel.Batch {
	return channel.Batch{Mode: inventoryv1alpha1.LocationWise, Items: items, IdempotencyKey: "job-0"}
}

func item(sku string, quantity int64) channel.Item { return contract.At("WD-1", sku, quantity) }

// items returns items with quantity 5.
func items(skus ...string) []channel.Item {
	var out []channel.Item
	for _, sku := range skus {
		out = append(out, item(sku, 5))
	}
	return out
}

// operations are those that were called, in order.
func (s *shop) operations() []string {
	var out []string
	for _, c := range s.Calls() {
		out = append(out, c.Operation)
	}
	return out
}

// count is how often an operation was called.
func (s *shop) count(operation string) int {
	n := 0
	for _, name := range s.operations() {
		if name == operation {
			n++
		}
	}
	return n
}

// wantError checks class and reason of an error, and returns its message.
func wantError(t *testing.T, err error, class channel.Class, reason string) string {
	t.Helper()
	contract.WantError(t, err, class, reason)
	for _, secret := range credentials() {
		if strings.Contains(err.Error(), string(secret)) {
			t.Errorf("the error shows a credential: %v", err)
		}
	}
	return channel.AsError(err).Message
}

func byFeeds(threshold int32) func(*inventoryv1alpha1.AmazonChannel) {
	return func(a *inventoryv1alpha1.AmazonChannel) {
		a.Method, a.FeedThreshold = inventoryv1alpha1.AmazonFeeds, threshold
	}
}

func byExternalFulfillment(a *inventoryv1alpha1.AmazonChannel) {
	a.Method = inventoryv1alpha1.AmazonExternalFulfillment
}
