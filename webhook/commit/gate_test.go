package commit

import (
	"context"
	"maps"
	"testing"
	"testing/synctest"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// gate stands for an API server that holds every create until the test answers it. It is used in
// a synctest bubble, where time passes only while everybody waits.
type gate struct {
	creates chan *create
}

// create is a create that waits for its answer.
type create struct {
	*inventoryv1alpha1.InventoryBatch
	answer chan error
}

// newGate makes a writer and the gate that it writes to. The client has no other verb than create.
func newGate(opts Options) (*Writer, *gate) {
	g := &gate{creates: make(chan *create, 100)}
	opts.Client = interceptor.NewClient(nil, interceptor.Funcs{Create: g.create})
	return New(opts), g
}

func (g *gate) create(ctx context.Context, _ client.WithWatch, obj client.Object, _ ...client.CreateOption) error {
	c := &create{obj.(*inventoryv1alpha1.InventoryBatch), make(chan error, 1)}
	g.creates <- c
	select {
	case err := <-c.answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// next returns the next create in flight.
func (g *gate) next(t *testing.T) *create {
	t.Helper()
	synctest.Wait()
	select {
	case c := <-g.creates:
		return c
	default:
		t.Fatal("nothing is being stored")
		return nil
	}
}

// quiet fails if there is another create in flight.
func (g *gate) quiet(t *testing.T) {
	t.Helper()
	synctest.Wait()
	select {
	case c := <-g.creates:
		t.Fatalf("%s is being stored with %v, want nothing", c.Name, flat(c.InventoryBatch))
	default:
	}
}

// release answers every create with success, until there is none.
func (g *gate) release() {
	for {
		synctest.Wait()
		select {
		case c := <-g.creates:
			c.answer <- nil
		default:
			return
		}
	}
}

// write writes commits in the background, and returns when they are enqueued.
func write(ctx context.Context, w *Writer, commits ...Commit) <-chan []error {
	answer := make(chan []error, 1)
	go func() { answer <- w.Write(ctx, commits) }()
	synctest.Wait()
	return answer
}

// answered returns the answer that a sender has got.
func answered(t *testing.T, answer <-chan []error) []error {
	t.Helper()
	synctest.Wait()
	select {
	case errs := <-answer:
		return errs
	default:
		t.Fatal("the sender waits, want an answer")
		return nil
	}
}

// wantSuccess fails unless all of a sender's commits are stored.
func wantSuccess(t *testing.T, answer <-chan []error) {
	t.Helper()
	for i, err := range answered(t, answer) {
		if err != nil {
			t.Errorf("commit %d: error %v, want none", i, err)
		}
	}
}

// waits fails if a sender has got an answer.
func waits(t *testing.T, answer <-chan []error) {
	t.Helper()
	synctest.Wait()
	select {
	case errs := <-answer:
		t.Fatalf("the sender got %v, want that it waits", errs)
	default:
	}
}

// wantRest fails if the writer holds on to anything.
func wantRest(t *testing.T, w *Writer) {
	t.Helper()
	synctest.Wait()
	wantNothingHeld(t, w)
}

// wantNothingHeld is wantRest for a writer that is known to be at rest.
func wantNothingHeld(t *testing.T, w *Writer) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.lanes) > 0 {
		t.Errorf("%d lanes are left behind", len(w.lanes))
	}
	if b := w.budget; b.used != (size{}) || len(b.namespaces) > 0 || len(b.places) > 0 {
		t.Errorf("room is not given back: %+v", b)
	}
}

// of makes a commit for a location.
func of(namespace, location string, quantities map[string]inventoryv1alpha1.Quantity) Commit {
	return Commit{
		Namespace: namespace, RequestID: "r", Sender: inventoryv1alpha1.BatchSender{Client: "wms", Credential: "login"},
		Stock: at(location, quantities),
	}
}

func at(location string, quantities map[string]inventoryv1alpha1.Quantity) []inventoryv1alpha1.LocationStock {
	return []inventoryv1alpha1.LocationStock{{LocationName: location, LocationUID: types.UID("uid-" + location), Quantities: quantities}}
}

// flat returns what a batch comes to, of whatever location.
func flat(s *inventoryv1alpha1.InventoryBatch) map[string]inventoryv1alpha1.Quantity {
	out := map[string]inventoryv1alpha1.Quantity{}
	for _, stock := range s.Stock {
		maps.Copy(out, stock.Quantities)
	}
	return out
}

// skus makes quantities of n SKUs.
func skus(n int) map[string]inventoryv1alpha1.Quantity {
	quantities := map[string]inventoryv1alpha1.Quantity{}
	for i := range n {
		quantities[string(rune('a'+i))] = inventoryv1alpha1.Quantity(i)
	}
	return quantities
}
