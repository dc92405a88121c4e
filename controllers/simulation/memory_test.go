package simulation

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

var errLost = errors.New("connection lost")

// chance is a source of random decisions, for all goroutines of a simulation.
type chance struct {
	mu   sync.Mutex
	rand *rand.Rand
}

func (c *chance) n(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rand.IntN(n)
}

// upTo is a random duration.
func (c *chance) upTo(d time.Duration) time.Duration { return time.Duration(c.n(int(d))) }

// pause waits, and tells whether the context is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// event is a change of an object.
type event struct {
	obj  client.Object
	gone bool
}

// memory is as much of an API server as the ledger, the lanes and the writer see: objects with a common,
// growing resourceVersion, optimistic locking, and watches. While it is faulty, requests fail before or
// after they are carried out, or are carried out after their sender has given up.
type memory struct {
	client.Client // what is not implemented panics
	*chance

	mu       sync.Mutex
	late     int            // requests without a sender
	instant  bool           // no time passes
	delayed  []func() error // requests without a sender, where no time passes
	faulty   bool
	revision int
	objects  map[string]map[types.NamespacedName]client.Object // by kind
	log      []event
	changed  chan struct{} // closed at the next change
}

func newMemory(c *chance) *memory {
	return &memory{chance: c, faulty: true, objects: map[string]map[types.NamespacedName]client.Object{}, changed: make(chan struct{})}
}

func kindOf(obj client.Object) string { return reflect.TypeOf(obj).Elem().Name() }

func (m *memory) setFaulty(faulty bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faulty = faulty
}

func (m *memory) isFaulty() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.faulty
}

// request carries out a request in its own time.
func (m *memory) request(ctx context.Context, do func() error) error {
	if m.instant {
		return m.atOnce(do)
	}
	fault := m.n(30)
	if !m.isFaulty() {
		fault = -1
	}
	alive := pause(ctx, m.upTo(20*time.Millisecond))
	switch {
	case !alive && m.n(3) == 0:
		m.doLate(do)
		return ctx.Err()
	case !alive && m.n(2) == 0, fault == 1:
		_ = do()
		return errors.Join(errLost, ctx.Err())
	case !alive, fault == 0:
		return errors.Join(errLost, ctx.Err())
	case fault == 2:
		m.doLate(do)
		return errLost
	}
	return do()
}

// atOnce carries out a request, or not, or later.
func (m *memory) atOnce(do func() error) error {
	fault := m.n(12)
	if !m.isFaulty() {
		fault = -1
	}
	switch fault {
	case 0:
		return errLost
	case 1:
		_ = do()
		return errLost
	case 2:
		m.mu.Lock()
		defer m.mu.Unlock()
		m.delayed = append(m.delayed, do)
		return errLost
	}
	return do()
}

// catchUp carries out some of the requests without a sender.
func (m *memory) catchUp(most int) {
	for ; most > 0 && len(m.delayed) > 0; most-- {
		i := m.n(len(m.delayed))
		do := m.delayed[i]
		m.delayed = slices.Delete(m.delayed, i, i+1)
		_ = do()
	}
}

// doLate carries a request out some time after its sender has given up.
func (m *memory) doLate(do func() error) {
	m.count(1)
	go func() {
		defer m.count(-1)
		pause(context.Background(), m.upTo(3*time.Second))
		_ = do()
	}()
}

func (m *memory) count(late int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.late += late
}

// awaitLate waits until no request is left without a sender.
func (m *memory) awaitLate() {
	left := func() int {
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.late
	}
	for left() > 0 {
		pause(context.Background(), time.Second)
	}
}

// put stores an object as a new version. The lock must be held.
func (m *memory) put(obj client.Object) {
	m.revision++
	obj.SetResourceVersion(strconv.Itoa(m.revision))
	kind, key := kindOf(obj), client.ObjectKeyFromObject(obj)
	if m.objects[kind] == nil {
		m.objects[kind] = map[types.NamespacedName]client.Object{}
	}
	m.objects[kind][key] = obj.DeepCopyObject().(client.Object)
	m.tell(event{obj: m.objects[kind][key]})
}

func (m *memory) tell(e event) {
	m.log = append(m.log, e)
	close(m.changed)
	m.changed = make(chan struct{})
}

func resource(obj client.Object) schema.GroupResource {
	return schema.GroupResource{Group: inventoryv1alpha1.GroupVersion.Group, Resource: kindOf(obj)}
}

// Create implements client.Client.
func (m *memory) Create(ctx context.Context, obj client.Object, _ ...client.CreateOption) error {
	stored := obj.DeepCopyObject().(client.Object)
	err := m.request(ctx, func() error {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.objects[kindOf(obj)][client.ObjectKeyFromObject(obj)] != nil {
			return apierrors.NewAlreadyExists(resource(obj), obj.GetName())
		}
		stored.SetCreationTimestamp(metav1.Now())
		m.put(stored)
		return nil
	})
	if err == nil {
		obj.SetResourceVersion(stored.GetResourceVersion())
		obj.SetCreationTimestamp(stored.GetCreationTimestamp())
	}
	return err
}

// Update implements client.Client.
func (m *memory) Update(ctx context.Context, obj client.Object, _ ...client.UpdateOption) error {
	stored := obj.DeepCopyObject().(client.Object)
	err := m.request(ctx, func() error {
		m.mu.Lock()
		defer m.mu.Unlock()
		is := m.objects[kindOf(obj)][client.ObjectKeyFromObject(obj)]
		switch {
		case is == nil:
			return apierrors.NewNotFound(resource(obj), obj.GetName())
		case stored.GetResourceVersion() != "" && is.GetResourceVersion() != stored.GetResourceVersion():
			return apierrors.NewConflict(resource(obj), obj.GetName(), errors.New("it has changed"))
		}
		m.put(stored)
		return nil
	})
	if err == nil {
		obj.SetResourceVersion(stored.GetResourceVersion())
	}
	return err
}

// Delete implements client.Client.
func (m *memory) Delete(ctx context.Context, obj client.Object, opts ...client.DeleteOption) error {
	var options client.DeleteOptions
	options.ApplyOptions(opts)
	kind, key := kindOf(obj), client.ObjectKeyFromObject(obj)
	return m.request(ctx, func() error {
		m.mu.Lock()
		defer m.mu.Unlock()
		is := m.objects[kind][key]
		if is == nil {
			return apierrors.NewNotFound(resource(obj), key.Name)
		}
		if p := options.Preconditions; p != nil && *p.ResourceVersion != is.GetResourceVersion() {
			return apierrors.NewConflict(resource(obj), key.Name, errors.New("it has changed"))
		}
		delete(m.objects[kind], key)
		m.revision++
		m.tell(event{is, true})
		return nil
	})
}

// Get implements client.Client.
func (m *memory) Get(ctx context.Context, key types.NamespacedName, obj client.Object, _ ...client.GetOption) error {
	return m.request(ctx, func() error {
		m.mu.Lock()
		defer m.mu.Unlock()
		is := m.objects[kindOf(obj)][key]
		if is == nil {
			return apierrors.NewNotFound(resource(obj), key.Name)
		}
		switch into := obj.(type) {
		case *inventoryv1alpha1.InventoryBatch:
			is.(*inventoryv1alpha1.InventoryBatch).DeepCopyInto(into)
		case *inventoryv1alpha1.InventorySnapshot:
			is.(*inventoryv1alpha1.InventorySnapshot).DeepCopyInto(into)
		case *inventoryv1alpha1.Location:
			is.(*inventoryv1alpha1.Location).DeepCopyInto(into)
		default:
			panic("unexpected kind " + kindOf(obj))
		}
		return nil
	})
}

// List implements client.Client, for metadata only.
func (m *memory) List(ctx context.Context, list client.ObjectList, _ ...client.ListOption) error {
	into := list.(*metav1.PartialObjectMetadataList)
	kind := strings.TrimSuffix(into.GroupVersionKind().Kind, "List")
	return m.request(ctx, func() error {
		m.mu.Lock()
		defer m.mu.Unlock()
		into.Items = make([]metav1.PartialObjectMetadata, 0, len(m.objects[kind]))
		into.ResourceVersion = strconv.Itoa(m.revision)
		for _, obj := range m.objects[kind] {
			into.Items = append(into.Items, metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
				Namespace: obj.GetNamespace(), Name: obj.GetName(), ResourceVersion: obj.GetResourceVersion(),
			}})
		}
		return nil
	})
}

// Status implements client.Client.
func (m *memory) Status() client.SubResourceWriter { return status{m: m} }

// status writes the status of jobs; that of Locations is of no consequence here.
type status struct {
	client.SubResourceWriter
	m *memory
}

func (s status) Update(ctx context.Context, obj client.Object, _ ...client.SubResourceUpdateOption) error {
	return s.m.Update(ctx, obj)
}

func (s status) Patch(ctx context.Context, _ client.Object, _ client.Patch, _ ...client.SubResourcePatchOption) error {
	return s.m.request(ctx, func() error { return nil })
}

// stored returns the objects of a kind, sorted by name.
func stored[T client.Object](m *memory) []T {
	m.mu.Lock()
	defer m.mu.Unlock()
	var none T
	all := slices.Collect(maps.Values(m.objects[kindOf(none)]))
	slices.SortFunc(all, func(a, b client.Object) int { return strings.Compare(a.GetName(), b.GetName()) })
	out := make([]T, len(all))
	for i, obj := range all {
		out[i] = obj.DeepCopyObject().(T)
	}
	return out
}

// watch passes the changes of a kind on in order, each some time after it has happened, until the context ends.
func watch[T client.Object](ctx context.Context, m *memory, changed func(obj T, gone bool)) {
	for next := 0; ; {
		m.mu.Lock()
		fresh, more := slices.Clone(m.log[next:]), m.changed
		m.mu.Unlock()
		next += len(fresh)
		for _, e := range fresh {
			obj, ok := e.obj.(T)
			if !ok {
				continue
			}
			if !pause(ctx, m.upTo(30*time.Millisecond)) {
				return
			}
			changed(obj.DeepCopyObject().(T), e.gone)
		}
		select {
		case <-ctx.Done():
			return
		case <-more:
		}
	}
}
