package simulation

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// memory is a client of a server.
type memory struct {
	client.Client // what is not implemented panics
	*server
	process *process // that it belongs to; nil for one that nothing happens to
	cached  bool     // reads are answered at once, as those of a cache are
}

func newMemory(c *chance) *memory { return &memory{server: newServer(c)} }

// of returns the client of a process, for reads that are not cached, and the one with a cache.
func (m *memory) of(p *process) (direct, cached *memory) {
	return &memory{server: m.server, process: p}, &memory{server: m.server, process: p, cached: true}
}

// request carries out a request in its own time.
func (m *memory) request(ctx context.Context, do func() error) error {
	m.stepped()
	if m.instant {
		return m.atOnce(do)
	}
	if !m.process.runs() {
		return errors.Join(errLost, ctx.Err())
	}
	err := m.process.step(func() error { return m.carry(ctx, do) })
	if !m.process.runs() {
		return errors.Join(errLost, ctx.Err())
	}
	return err
}

// carry brings a request to the server, or not, or late.
func (m *memory) carry(ctx context.Context, do func() error) error {
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

// write is a request that the server may refuse.
func (m *memory) write(ctx context.Context, do func() error) error {
	return m.request(ctx, func() error {
		if m.refuses() {
			return apierrors.NewInternalError(errors.New("etcd has no leader"))
		}
		return do()
	})
}

// read is a request that a cache answers.
func (m *memory) read(ctx context.Context, do func() error) error {
	if m.cached {
		m.stepped()
		return do()
	}
	return m.request(ctx, do)
}

// Create implements client.Client.
func (m *memory) Create(ctx context.Context, obj client.Object, _ ...client.CreateOption) error {
	made := obj.DeepCopyObject().(client.Object)
	err := m.write(ctx, func() error { return m.create(made) })
	if err == nil {
		take(obj, made)
	}
	return err
}

// Update implements client.Client.
func (m *memory) Update(ctx context.Context, obj client.Object, _ ...client.UpdateOption) error {
	return m.change(ctx, obj, obj.GetResourceVersion(), func(is client.Object) client.Object {
		next := obj.DeepCopyObject().(client.Object)
		if _, whole := obj.(*inventoryv1alpha1.ChannelSyncJob); !whole { // records are written as a whole
			copyField(next, is, "Status")
		}
		return next
	})
}

// change updates an object and takes over what was stored.
func (m *memory) change(ctx context.Context, obj client.Object, version string, next func(is client.Object) client.Object) error {
	var made client.Object
	wanted := obj.DeepCopyObject().(client.Object)
	err := m.write(ctx, func() error {
		return m.update(wanted, version, func(is client.Object) client.Object {
			made = next(is)
			return made
		})
	})
	if err == nil {
		take(obj, made)
	}
	return err
}

// take makes an object another one.
func take(obj, other any) {
	reflect.ValueOf(obj).Elem().Set(reflect.ValueOf(other).Elem())
}

// Delete implements client.Client.
func (m *memory) Delete(ctx context.Context, obj client.Object, opts ...client.DeleteOption) error {
	var options client.DeleteOptions
	options.ApplyOptions(opts)
	version := ""
	if p := options.Preconditions; p != nil {
		version = *p.ResourceVersion
	}
	like := obj.DeepCopyObject().(client.Object)
	return m.write(ctx, func() error { return m.remove(like, version) })
}

// DeleteAllOf implements client.Client.
func (m *memory) DeleteAllOf(ctx context.Context, obj client.Object, opts ...client.DeleteAllOfOption) error {
	var options client.DeleteAllOfOptions
	options.ApplyOptions(opts)
	return m.write(ctx, func() error {
		for _, found := range m.find(kindOf(obj), &options.ListOptions) {
			if err := m.remove(found, ""); err != nil {
				return err
			}
		}
		return nil
	})
}

// Get implements client.Client.
func (m *memory) Get(ctx context.Context, key types.NamespacedName, obj client.Object, _ ...client.GetOption) error {
	return m.read(ctx, func() error {
		m.mu.Lock()
		defer m.mu.Unlock()
		is := m.objects[kindOf(obj)][key]
		if is == nil {
			return apierrors.NewNotFound(resource(obj), key.Name)
		}
		take(obj, is.DeepCopyObject())
		return nil
	})
}

// List implements client.Client.
func (m *memory) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	var options client.ListOptions
	options.ApplyOptions(opts)
	return m.read(ctx, func() error {
		metadata, only := list.(*metav1.PartialObjectMetadataList)
		if only {
			m.listMetadata(metadata, &options)
			return nil
		}
		var items []runtime.Object
		for _, obj := range m.find(strings.TrimSuffix(kindOf(list), "List"), &options) {
			items = append(items, obj.DeepCopyObject())
		}
		return apimeta.SetList(list, items)
	})
}

func (m *memory) listMetadata(into *metav1.PartialObjectMetadataList, options *client.ListOptions) {
	m.mu.Lock()
	into.ResourceVersion = strconv.Itoa(m.revision)
	m.mu.Unlock()
	into.Items = nil
	for _, obj := range m.find(strings.TrimSuffix(into.GroupVersionKind().Kind, "List"), options) {
		into.Items = append(into.Items, metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
			Namespace: obj.GetNamespace(), Name: obj.GetName(), ResourceVersion: obj.GetResourceVersion(),
		}})
	}
}

// find returns objects of a kind, which must not be changed.
func (m *memory) find(kind string, options *client.ListOptions) []client.Object {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []client.Object
	for key, obj := range m.objects[kind] {
		if options.Namespace != "" && key.Namespace != options.Namespace || !m.matches(obj, options.FieldSelector) {
			continue
		}
		out = append(out, obj)
	}
	return out
}

// matches reports whether an object has the values of a selector. The lock must be held.
func (m *memory) matches(obj client.Object, selector fields.Selector) bool {
	if selector == nil {
		return true
	}
	for _, r := range selector.Requirements() {
		index := m.indexes[kindOf(obj)+"/"+r.Field]
		if index == nil {
			panic(kindOf(obj) + " has no index " + r.Field)
		}
		has := false
		for _, value := range index(obj) {
			has = has || value == r.Value
		}
		if !has {
			return false
		}
	}
	return true
}

// IndexField implements client.FieldIndexer.
func (m *memory) IndexField(_ context.Context, obj client.Object, name string, value client.IndexerFunc) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.indexes[kindOf(obj)+"/"+name] = value
	return nil
}

// indexSnapshots adds the field that the CRD declares as selectable.
func (m *memory) indexSnapshots() {
	_ = m.IndexField(context.Background(), &inventoryv1alpha1.InventorySnapshot{}, "locationName", func(o client.Object) []string {
		return []string{o.(*inventoryv1alpha1.InventorySnapshot).LocationName}
	})
}

// Status implements client.Client.
func (m *memory) Status() client.SubResourceWriter { return status{m: m} }

type status struct {
	client.SubResourceWriter
	m *memory
}

// Update implements client.SubResourceWriter.
func (s status) Update(ctx context.Context, obj client.Object, _ ...client.SubResourceUpdateOption) error {
	from := obj.DeepCopyObject().(client.Object)
	return s.m.change(ctx, obj, obj.GetResourceVersion(), func(is client.Object) client.Object {
		copyField(is, from, "Status")
		return is
	})
}

// Patch implements client.SubResourceWriter, for merge patches.
func (s status) Patch(ctx context.Context, obj client.Object, patch client.Patch, _ ...client.SubResourcePatchOption) error {
	data, err := patch.Data(obj)
	if err != nil {
		return err
	}
	var changes map[string]any
	if err := json.Unmarshal(data, &changes); err != nil {
		return err
	}
	version := ""
	if metadata, ok := changes["metadata"].(map[string]any); ok {
		version, _ = metadata["resourceVersion"].(string)
	}
	return s.m.change(ctx, obj, version, func(is client.Object) client.Object {
		copyField(is, merge(is, changes), "Status")
		return is
	})
}

// merge applies a JSON merge patch, RFC 7396, to an object.
func merge(obj client.Object, changes map[string]any) client.Object {
	raw, err := json.Marshal(obj)
	if err != nil {
		panic(err)
	}
	var is map[string]any
	if err := json.Unmarshal(raw, &is); err != nil {
		panic(err)
	}
	if raw, err = json.Marshal(mergeMap(is, changes)); err != nil {
		panic(err)
	}
	out := reflect.New(reflect.TypeOf(obj).Elem()).Interface().(client.Object)
	if err := json.Unmarshal(raw, out); err != nil {
		panic(err)
	}
	return out
}

func mergeMap(is, changes map[string]any) map[string]any {
	if is == nil {
		is = map[string]any{}
	}
	for name, change := range changes {
		switch change := change.(type) {
		case nil:
			delete(is, name)
		case map[string]any:
			inner, _ := is[name].(map[string]any)
			is[name] = mergeMap(inner, change)
		default:
			is[name] = change
		}
	}
	return is
}
