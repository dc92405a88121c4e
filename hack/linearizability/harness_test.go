package linearizability

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync/atomic"
	"testing"

	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/hack/fixture"
	"tallyman.dev/tallyman/hack/history"
	"tallyman.dev/tallyman/hack/testenv"
)

// harness is a tenant, with a channel for each pool, and two replicas that serve it.
type harness struct {
	plane     *controlPlane
	env       *testenv.Env
	namespace string
	channels  map[int64]*fixture.Receiver // by pool
	replicas  []*process
	urls      []string // of their ingresses
	recorder  *history.Recorder
	last      atomic.Int64 // the last quantity of which there is only one
}

func newHarness(t *testing.T) *harness {
	t.Helper()
	binary, err := fixture.Build(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w := &harness{plane: startControlPlane(t), channels: map[int64]*fixture.Receiver{}, recorder: history.New()}
	w.last.Store(100) // smaller ones come again and again
	if w.env, err = testenv.Attach(w.plane.config); err != nil {
		t.Fatal(err)
	}
	w.namespace = w.env.Namespace(t)
	w.env.Create(t, fixture.Tenant(w.namespace)...)
	for _, pool := range pools {
		w.channels[pool] = fixture.NewReceiver(t)
		w.env.Create(t, fixture.Channel(w.namespace, fmt.Sprintf("pool-%d", pool), w.channels[pool].URL, inventoryv1alpha1.LocationWise, pool))
	}
	kubeconfig := w.env.Kubeconfig(t)
	for _, name := range []string{"replica-a", "replica-b"} {
		ingress := freeAddress(t)
		w.urls = append(w.urls, "http://"+ingress)
		w.replicas = append(w.replicas, start(t, name, binary, []string{
			"--ingress-bind-address=" + ingress, "--metrics-bind-address=0", "--health-probe-bind-address=" + freeAddress(t),
			"--namespaces=" + w.namespace, "--leader-election-namespace=" + w.namespace,
		}, "KUBECONFIG="+kubeconfig))
	}
	w.awaitReplicas(t)
	eventually(t, func() error { return w.led(t.Context()) })
	return w
}

// awaitReplicas waits until both replicas are ready.
func (w *harness) awaitReplicas(t *testing.T) {
	t.Helper()
	for _, url := range w.urls {
		eventually(t, func() error { return ready(&http.Client{Timeout: requestTimeout}, url) })
	}
}

// led returns why no replica leads that has taken up the channels, nil if one does.
func (w *harness) led(ctx context.Context) error {
	list := &inventoryv1alpha1.ChannelList{}
	if err := w.env.Client.List(ctx, list, client.InNamespace(w.namespace)); err != nil {
		return err
	}
	for _, ch := range list.Items {
		if len(ch.Status.Epochs) == 0 {
			return fmt.Errorf("nobody pushes to %s", ch.Name)
		}
	}
	return nil
}

// terms counts how often a replica has begun to lead.
func (w *harness) terms(t *testing.T) int {
	t.Helper()
	n := 0
	for _, p := range w.replicas {
		raw, err := os.ReadFile(p.log.Name())
		if err != nil {
			t.Fatal(err)
		}
		n += bytes.Count(raw, []byte(`"msg":"Leading"`))
	}
	return n
}

// differences tells why the snapshots and the channels are not yet what they must end with: the whole log is
// in the snapshots, and what is in the snapshots is on the channels.
func (w *harness) differences(ctx context.Context) error {
	if err := w.unfolded(ctx); err != nil {
		return err
	}
	folded, err := w.folded(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, r := range registers() {
		if is, want := w.shown(r), value(folded, r); is != want {
			errs = append(errs, fmt.Errorf("%s: the snapshots say %d, the channel has %d", r, want, is))
		}
	}
	return errors.Join(errs...)
}

// unfolded returns which InventoryBatches are not in the snapshots.
func (w *harness) unfolded(ctx context.Context) error {
	batches, declared := &inventoryv1alpha1.InventoryBatchList{}, &inventoryv1alpha1.LocationList{}
	for _, list := range []client.ObjectList{batches, declared} { // in this order
		if err := w.env.Client.List(ctx, list, client.InNamespace(w.namespace)); err != nil {
			return err
		}
	}
	upTo := map[string]string{}
	for _, l := range declared.Items {
		upTo[l.Name] = l.Status.FoldedRevision
	}
	var errs []error
	for _, s := range batches.Items {
		for _, stock := range s.Stock {
			order := -1
			if revision := upTo[stock.LocationName]; revision != "" {
				var err error
				if order, err = resourceversion.CompareResourceVersion(revision, s.ResourceVersion); err != nil {
					return err
				}
			}
			if order < 0 {
				errs = append(errs, fmt.Errorf("batch %s of revision %s is not folded: %s is at %q",
					s.Name, s.ResourceVersion, stock.LocationName, upTo[stock.LocationName]))
			}
		}
	}
	return errors.Join(errs...)
}

// folded returns what the snapshots say, where nothing of it waits to be pushed.
func (w *harness) folded(ctx context.Context) (map[register]int64, error) {
	list := &inventoryv1alpha1.InventorySnapshotList{}
	if err := w.env.Client.List(ctx, list, client.InNamespace(w.namespace)); err != nil {
		return nil, err
	}
	out := map[register]int64{}
	for _, s := range list.Items {
		if s.PendingCount+s.FailedCount > 0 {
			return nil, fmt.Errorf("snapshot %s has %d SKUs pending, %d failed: %+v", s.Name, s.PendingCount, s.FailedCount, s.Channels)
		}
		for sku, q := range s.SKUs {
			out[register{s.LocationName, s.PoolID, sku}] = int64(q)
		}
	}
	return out, nil
}

// read records what the snapshots and the channels say.
func (w *harness) read(ctx context.Context) error {
	began := w.recorder.Begin()
	folded, err := w.folded(ctx)
	if err != nil {
		return err
	}
	for _, r := range registers() {
		w.recorder.Read(began, r.String(), value(folded, r))
	}
	for _, r := range registers() {
		w.recorder.Read(w.recorder.Begin(), r.String(), w.shown(r))
	}
	return nil
}

// shown returns what the channel of a register's pool has.
func (w *harness) shown(r register) int64 {
	q, ok := w.channels[r.pool].At(r.location)[r.sku]
	if !ok {
		return history.Unset
	}
	return q
}

func value(of map[register]int64, r register) int64 {
	if q, ok := of[r]; ok {
		return q
	}
	return history.Unset
}

// registers are all that may be written.
func registers() []register {
	var out []register
	for _, location := range locations {
		for _, pool := range pools {
			for _, sku := range skus {
				out = append(out, register{location, pool, sku})
			}
		}
	}
	return out
}
