package contract

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

// patience bounds every call of a case; a connector that keeps the contract never needs it.
const patience = 30 * time.Second

// lastRun is the largest number of a run within a term.
const lastRun = 999_999_999_999

// Run runs the contract against a connector, in each of its modes.
func Run(t *testing.T, s Subject) {
	t.Helper()
	for _, mode := range s.Modes {
		for name, c := range cases {
			t.Run(string(mode)+"/"+name, func(t *testing.T) {
				t.Parallel()
				for _, b := range c.needs {
					if slices.Contains(s.Cannot, b) {
						t.Skip("the server cannot play this")
					}
				}
				if c.order && !s.KeepsOrder {
					t.Skip("the channel has no protection against calls that overtake one another")
				}
				c.run(start(t, s, mode))
			})
		}
	}
}

// harness is one connector with its server.
type harness struct {
	*testing.T
	Server
	connector   channel.Connector
	mode        inventoryv1alpha1.ChannelMode
	credentials map[string][]byte
	skus        []string
	maxQuantity int64
	batches     atomic.Uint64
	uniqueSKUs  bool
	strayed     atomic.Int64 // calls that reached an address that the Channel does not declare
}

func start(t *testing.T, s Subject, mode inventoryv1alpha1.ChannelMode) *harness {
	t.Helper()
	out := &harness{T: t, mode: mode}
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { out.strayed.Add(1) }))
	t.Cleanup(elsewhere.Close)
	server, cfg := s.Start(t, mode, elsewhere.URL)
	t.Cleanup(server.Release) // before the server is closed, which waits for its calls
	registry, err := channel.NewRegistry(channel.Registration{Type: cfg.Channel.Spec.Type, Factory: s.Factory})
	if err != nil {
		t.Fatal(err)
	}
	if out.connector, err = registry.New(cfg); err != nil {
		t.Fatalf("build the connector: %v", err)
	}
	out.Server, out.credentials, out.skus, out.uniqueSKUs = server, cfg.Credentials, s.SKUs, s.UniqueSKUs
	if out.skus == nil {
		out.skus = awkward
	}
	out.maxQuantity = cmp.Or(s.MaxQuantity, math.MaxInt32)
	return out
}

// awkward are SKUs that careless code takes for syntax or numbers.
var awkward = []string{
	"PLAIN-1", "with space", `quote"d\`, "<a>&b=c", "größe/42", "0012", "1e3", strings.Repeat("X", 255),
}

// batch makes a call of SKUs with a quantity, at one location, with a key of its own, and newer than those
// before: each is of a later term, though its run has a lower number. The channel gets to know them.
func (h *harness) batch(quantity int64, skus ...string) channel.Batch {
	number := h.batches.Add(1)
	sequence := fmt.Sprintf("%020d.%012d", number, lastRun-number)
	b := channel.Batch{Mode: h.mode, IdempotencyKey: fmt.Sprintf("job-%d", number)}
	catalog, knows := h.Server.(Catalog)
	for _, sku := range skus {
		if knows && sku != Refused {
			catalog.Know(sku)
		}
		b.Items = append(b.Items, channel.Item{
			SKU: sku, Quantity: quantity, LocationCode: "WD-1", LocationQuantity: quantity, Sequence: sequence,
		})
	}
	return b
}

func (h *harness) push(b channel.Batch) (channel.Result, error) {
	ctx, cancel := context.WithTimeout(h.Context(), patience)
	defer cancel()
	return h.connector.Push(ctx, b)
}

// confirm pushes and wants every item confirmed.
func (h *harness) confirm(b channel.Batch) {
	h.Helper()
	result, err := h.push(b)
	if err != nil {
		h.Fatalf("Push: %v", err)
	}
	for i, failure := range result.Failures {
		h.Errorf("%q is not confirmed: %v", b.Items[i].SKU, failure)
	}
	h.holds(b)
}

// holds wants the channel to have the quantities of a batch.
func (h *harness) holds(b channel.Batch) {
	h.Helper()
	for _, it := range b.Items {
		if got, ok := h.quantity(it); !ok || got != it.Quantity {
			h.Errorf("the channel has %d of %q (told: %v), want %d", got, it.SKU, ok, it.Quantity)
		}
	}
}

func (h *harness) quantity(it channel.Item) (int64, bool) {
	if h.mode == inventoryv1alpha1.Consolidated {
		return h.Quantity("", it.SKU)
	}
	return h.Quantity(it.LocationCode, it.SKU)
}

// fails pushes and wants the call to fail as a whole, with a class and whatever else is checked.
func (h *harness) fails(b channel.Batch, want channel.Class, checks ...func(*channel.Error)) {
	h.Helper()
	result, err := h.push(b)
	if err == nil {
		h.Fatalf("Push succeeded with %d failures, want an error of class %s", len(result.Failures), want)
	}
	h.isClass(err, want)
	for _, check := range checks {
		check(channel.AsError(err))
	}
}

func (h *harness) isClass(err error, want channel.Class) {
	h.Helper()
	e := channel.AsError(err)
	if e.Class != want {
		h.Errorf("class %s (%v), want %s", e.Class, err, want)
	}
	h.presentable(e)
}
