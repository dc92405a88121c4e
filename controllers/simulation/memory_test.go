package simulation

import (
	"cmp"
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

	"k8s.io/apimachinery/pkg/api/equality"
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

// fork returns another source of random numbers.
func (c *chance) fork() *rand.Rand {
	c.mu.Lock()
	defer c.mu.Unlock()
	return rand.New(rand.NewPCG(c.rand.Uint64(), c.rand.Uint64()))
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

// server is as much of an API server as Tallyman sees: objects with a common, growing resourceVersion,
// optimistic locking, generations, finalizers, and watches. While it is faulty, requests fail before or after
// they are carried out, or are carried out after their sender has given up.
type server struct {
	*chance

	mu        sync.Mutex
	steps     int            // requests and calls so far
	late      int            // requests without a sender
	instant   bool           // no time passes
	delayed   []func() error // requests without a sender, where no time passes
	faulty    bool
	refusing  bool // writes, whoever asks
	revision  int
	objects   map[string]map[types.NamespacedName]client.Object // by kind; never changed in place
	indexes   map[string]client.IndexerFunc                     // by kind and name
	log       []event
	changed   chan struct{} // closed at the next change
	awaited   func(obj any) bool
	meanwhile func() // done once before an object that is awaited is created
}

func newServer(c *chance) *server {
	return &server{
		chance: c, faulty: true, changed: make(chan struct{}),
		objects: map[string]map[types.NamespacedName]client.Object{}, indexes: map[string]client.IndexerFunc{},
	}
}

func kindOf(obj any) string { return reflect.TypeOf(obj).Elem().Name() }

func (s *server) setFaulty(faulty bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faulty = faulty
}

func (s *server) isFaulty() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faulty
}

// refuse has all writes refused, or not any more.
func (s *server) refuse(refusing bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusing = refusing
}

func (s *server) refuses() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refusing
}

// catchUp carries out some of the requests without a sender.
func (s *server) catchUp(most int) {
	for ; most > 0 && len(s.delayed) > 0; most-- {
		i := s.n(len(s.delayed))
		do := s.delayed[i]
		s.delayed = slices.Delete(s.delayed, i, i+1)
		_ = do()
	}
}

// doLate carries a request out some time after its sender has given up.
func (s *server) doLate(do func() error) {
	s.count(1)
	go func() {
		defer s.count(-1)
		pause(context.Background(), s.upTo(3*time.Second))
		_ = do()
	}()
}

// stepped counts a request or a call.
func (s *server) stepped() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.steps++
}

func (s *server) count(late int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.late += late
}

// awaitLate waits until no request is left without a sender.
func (s *server) awaitLate() {
	left := func() int {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.late
	}
	for left() > 0 {
		pause(context.Background(), time.Second)
	}
}

// put stores an object as a new version. The lock must be held.
func (s *server) put(obj client.Object) {
	s.revision++
	obj.SetResourceVersion(strconv.Itoa(s.revision))
	kind, key := kindOf(obj), client.ObjectKeyFromObject(obj)
	if s.objects[kind] == nil {
		s.objects[kind] = map[types.NamespacedName]client.Object{}
	}
	s.objects[kind][key] = obj.DeepCopyObject().(client.Object)
	s.tell(event{obj: s.objects[kind][key]})
}

func (s *server) tell(e event) {
	s.log = append(s.log, e)
	close(s.changed)
	s.changed = make(chan struct{})
}

func resource(obj client.Object) schema.GroupResource {
	return schema.GroupResource{Group: inventoryv1alpha1.GroupVersion.Group, Resource: kindOf(obj)}
}

// is returns an object as it is stored, which must not be changed. The lock must be held.
func (s *server) is(like client.Object) client.Object {
	return s.objects[kindOf(like)][client.ObjectKeyFromObject(like)]
}

// before has something done once, before the next object of a sort is created.
func (s *server) before(awaited func(obj any) bool, do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.awaited, s.meanwhile = awaited, do
}

func (s *server) create(obj client.Object) error {
	s.mu.Lock()
	do := s.meanwhile
	if do != nil && s.awaited(obj) {
		s.meanwhile = nil
		s.mu.Unlock()
		do()
		s.mu.Lock()
	}
	s.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.is(obj) != nil {
		return apierrors.NewAlreadyExists(resource(obj), obj.GetName())
	}
	obj.SetCreationTimestamp(metav1.Now())
	obj.SetGeneration(1)
	obj.SetUID(types.UID("uid-" + strconv.Itoa(s.revision+1)))
	s.put(obj)
	return nil
}

// update stores what next makes of an object's present version, if that is the one that is asked for.
func (s *server) update(like client.Object, version string, next func(is client.Object) client.Object) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	is := s.is(like)
	switch {
	case is == nil:
		return apierrors.NewNotFound(resource(like), like.GetName())
	case version != "" && is.GetResourceVersion() != version:
		return apierrors.NewConflict(resource(like), like.GetName(), errors.New("it has changed"))
	}
	obj := next(is.DeepCopyObject().(client.Object))
	obj.SetResourceVersion(is.GetResourceVersion())
	switch {
	case equality.Semantic.DeepEqual(is, obj):
		return nil
	case !equality.Semantic.DeepEqual(field(is, "Spec"), field(obj, "Spec")):
		obj.SetGeneration(is.GetGeneration() + 1)
	}
	s.put(obj)
	if obj.GetDeletionTimestamp() != nil && len(obj.GetFinalizers()) == 0 {
		s.drop(obj)
	}
	return nil
}

// remove deletes an object, or marks it as deleted where it has finalizers.
func (s *server) remove(like client.Object, version string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	is := s.is(like)
	switch {
	case is == nil:
		return apierrors.NewNotFound(resource(like), like.GetName())
	case version != "" && version != is.GetResourceVersion():
		return apierrors.NewConflict(resource(like), like.GetName(), errors.New("it has changed"))
	case len(is.GetFinalizers()) == 0:
		s.drop(is)
	case is.GetDeletionTimestamp() == nil:
		marked := is.DeepCopyObject().(client.Object)
		marked.SetDeletionTimestamp(new(metav1.Now()))
		s.put(marked)
	}
	return nil
}

// drop forgets an object. The lock must be held.
func (s *server) drop(obj client.Object) {
	delete(s.objects[kindOf(obj)], client.ObjectKeyFromObject(obj))
	s.revision++
	s.tell(event{obj, true})
}

func version(obj client.Object) int {
	n, err := strconv.Atoi(obj.GetResourceVersion())
	if err != nil {
		panic(err)
	}
	return n
}

// snapshot returns a server with the same objects, on which nothing else happens.
func (s *server) snapshot() *memory {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := newServer(s.chance)
	out.faulty, out.instant, out.revision, out.indexes = false, true, s.revision, s.indexes
	for kind, objects := range s.objects {
		out.objects[kind] = maps.Clone(objects)
	}
	return &memory{server: out}
}

// field returns a field of an object; nil where its kind has none of the name.
func field(obj client.Object, name string) any {
	f := reflect.ValueOf(obj).Elem().FieldByName(name)
	if !f.IsValid() {
		return nil
	}
	return f.Interface()
}

// copyField copies a field between two objects, where their kind has it.
func copyField(to, from client.Object, name string) {
	if f := reflect.ValueOf(to).Elem().FieldByName(name); f.IsValid() {
		f.Set(reflect.ValueOf(from.DeepCopyObject()).Elem().FieldByName(name))
	}
}

// stored returns the objects of a kind, sorted by namespace and name.
func stored[T client.Object](m *memory) []T {
	m.mu.Lock()
	defer m.mu.Unlock()
	var none T
	all := slices.Collect(maps.Values(m.objects[kindOf(none)]))
	slices.SortFunc(all, func(a, b client.Object) int {
		return strings.Compare(a.GetNamespace()+"/"+a.GetName(), b.GetNamespace()+"/"+b.GetName())
	})
	out := make([]T, len(all))
	for i, obj := range all {
		out[i] = obj.DeepCopyObject().(T)
	}
	return out
}

// watch passes the changes of a kind on in order, each some time after it has happened, until the context ends.
// What is stored comes first, in order too.
func watch[T client.Object](ctx context.Context, m *memory, changed func(obj T, gone bool)) {
	var none T
	m.mu.Lock()
	next := len(m.log)
	var fresh []event
	for _, obj := range m.objects[kindOf(none)] {
		fresh = append(fresh, event{obj: obj})
	}
	m.mu.Unlock()
	slices.SortFunc(fresh, func(a, b event) int { return cmp.Compare(version(a.obj), version(b.obj)) })
	for {
		for _, e := range fresh {
			obj, ok := e.obj.(T)
			if !ok {
				continue
			}
			if !pause(ctx, m.upTo(30*time.Millisecond)) || !m.process.runs() {
				return
			}
			changed(obj.DeepCopyObject().(T), e.gone)
		}
		var more <-chan struct{}
		m.mu.Lock()
		fresh, more = m.log[next:], m.changed
		m.mu.Unlock()
		next += len(fresh)
		if len(fresh) > 0 {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-more:
		}
	}
}
