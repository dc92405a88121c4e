package ledger

import (
	"context"
	"errors"
	"fmt"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// Reflector keeps a Store in step with the API server, on every replica. It uses client-go's reflectors: an
// informer's cache would be a second copy of everything that the store holds.
type Reflector struct {
	store      *Store
	client     client.WithWatch
	namespaces []string
}

// NewReflector returns a reflector of namespaces, all of them where there are none.
func NewReflector(store *Store, c client.WithWatch, namespaces []string) *Reflector {
	if len(namespaces) == 0 {
		namespaces = []string{metav1.NamespaceAll}
	}
	return &Reflector{store: store, client: c, namespaces: namespaces}
}

// NeedLeaderElection implements manager.LeaderElectionRunnable: reads are served by every replica.
func (r *Reflector) NeedLeaderElection() bool { return false }

// Start reflects until the context ends. It is called once.
func (r *Reflector) Start(ctx context.Context) error {
	ctx, restart := context.WithCancelCause(ctx)
	defer restart(nil)
	var following, loading sync.WaitGroup
	loading.Add(len(r.namespaces))
	for _, ns := range r.namespaces {
		following.Go(func() { r.follow(ctx, ns, restart, sync.OnceFunc(loading.Done)) })
	}
	following.Go(func() {
		loading.Wait()
		close(r.store.synced)
	})
	<-ctx.Done()
	following.Wait()
	if cause := context.Cause(ctx); errors.Is(cause, errWentBack) {
		return cause
	}
	return nil
}

// follow keeps one namespace in step until the context ends.
func (r *Reflector) follow(ctx context.Context, namespace string, restart func(error), loaded func()) {
	defer loaded() // a wait for the load must end with the context
	var batches sync.WaitGroup
	defer batches.Wait()
	// Snapshots first: a record that changes nothing is recognized by its snapshot.
	startBatches := sync.OnceFunc(func() {
		batches.Go(func() {
			reflect(ctx, r.client, namespace, &inventoryv1alpha1.InventoryBatch{}, &inventoryv1alpha1.InventoryBatchList{},
				&batchSink{sink{scope: scope{r.store, namespace}, loaded: loaded, restart: restart}})
		})
	})
	reflect(ctx, r.client, namespace, &inventoryv1alpha1.InventorySnapshot{}, &inventoryv1alpha1.InventorySnapshotList{},
		&snapshotSink{sink{scope: scope{r.store, namespace}, loaded: startBatches, restart: restart}})
}

// reflect feeds a sink with the objects of a kind until the context ends.
func reflect(ctx context.Context, c client.WithWatch, namespace string, obj client.Object, list client.ObjectList, sink cache.ReflectorStore) {
	lw := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, opts metav1.ListOptions) (runtime.Object, error) {
			fresh := list.DeepCopyObject().(client.ObjectList)
			err := c.List(ctx, fresh, &client.ListOptions{Namespace: namespace, Raw: &opts})
			return fresh, err
		},
		WatchFuncWithContext: func(ctx context.Context, opts metav1.ListOptions) (watch.Interface, error) {
			return c.Watch(ctx, list.DeepCopyObject().(client.ObjectList), &client.ListOptions{Namespace: namespace, Raw: &opts})
		},
	}
	cache.NewReflectorWithOptions(lw, obj, sink, cache.ReflectorOptions{Name: fmt.Sprintf("ledger/%T", obj)}).RunWithContext(ctx)
}
