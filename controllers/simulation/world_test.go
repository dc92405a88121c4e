package simulation

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers"
)

var skus = []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"}

// poolKey is a pool of a location.
type poolKey struct {
	location types.NamespacedName
	id       int64
}

// stock is how much there is of each SKU.
type stock map[poolKey]map[string]int64

// world is an API server with tenants, and the shops that their channels lead to.
type world struct {
	api     *memory
	market  *market
	tenants []*tenant
	began   time.Time

	mu    sync.Mutex
	truth stock    // the last acknowledged quantities
	diary []string // of what was done to whom
}

func newWorld(c *chance) *world {
	w := &world{api: newMemory(c), market: newMarket(), truth: stock{}, began: time.Now()}
	w.api.indexSnapshots()
	if err := controllers.Index(context.Background(), w.api); err != nil {
		panic(err)
	}
	return w
}

// note writes into the diary.
func (w *world) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.diary = append(w.diary, fmt.Sprintf("%8.3fs ", time.Since(w.began).Seconds())+fmt.Sprintf(format, args...))
}

// story returns the diary.
func (w *world) story() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.diary, "\n")
}

// trace tells all that was stored of a SKU at a location.
func (w *world) trace(location types.NamespacedName, sku string) string {
	w.api.mu.Lock()
	defer w.api.mu.Unlock()
	var out strings.Builder
	for _, e := range w.api.log {
		if e.obj.GetNamespace() != location.Namespace {
			continue
		}
		switch obj := e.obj.(type) {
		case *inventoryv1alpha1.InventoryBatch:
			for _, s := range obj.Stock {
				if q, has := s.Quantities[sku]; has && s.LocationName == location.Name {
					fmt.Fprintf(&out, "%s batch %s: pool %d: %d, gone: %v\n", obj.ResourceVersion, obj.Name, s.PoolID, q, e.gone)
				}
			}
		case *inventoryv1alpha1.InventorySnapshot:
			if q, has := obj.SKUs[sku]; has && obj.LocationName == location.Name {
				fmt.Fprintf(&out, "%s snapshot %s [%q, %q): pool %d: %d of revision %s, gone: %v, %+v\n",
					obj.ResourceVersion, obj.Name, obj.From, obj.To, obj.PoolID, q, obj.Revision, e.gone, obj.Channels)
			}
		}
	}
	return out.String()
}

// tenant is a Client with what belongs to it.
type tenant struct {
	*world
	namespace, name string
	codes           []string // of its Locations
	pools           []int64
	channels        []string
	passwords       int

	// writing has room for one who writes or deletes a Location: the ingress takes no batch for one that is gone.
	// It is no mutex, for which simulated time would stand still.
	writing chan struct{}
}

// settle makes a tenant with Locations of the codes.
func (w *world) settle(namespace, name string, pools []int64, codes ...string) *tenant {
	t := &tenant{world: w, namespace: namespace, name: name, codes: codes, pools: pools, writing: make(chan struct{}, 1)}
	w.tenants = append(w.tenants, t)
	w.mustCreate(&inventoryv1alpha1.Client{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}})
	for _, code := range codes {
		t.createLocation(code, map[string]string{"zone": "south", "sells": "yes"})
	}
	return t
}

func (w *world) mustCreate(obj client.Object) {
	if err := w.api.create(obj); err != nil {
		panic(err)
	}
}

// location returns the name of the Location of a code.
func (t *tenant) location(code string) types.NamespacedName {
	return types.NamespacedName{Namespace: t.namespace, Name: t.name + "-" + strings.ToLower(code)}
}

func (t *tenant) createLocation(code string, labels map[string]string) {
	t.mustCreate(&inventoryv1alpha1.Location{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: t.namespace, Name: t.location(code).Name, Labels: labels,
			Finalizers: []string{inventoryv1alpha1.LocationFinalizer},
		},
		Spec: inventoryv1alpha1.LocationSpec{ClientRef: inventoryv1alpha1.NameRef{Name: t.name}, Code: code},
	})
}

// key returns the name of a channel.
func (t *tenant) key(channel string) types.NamespacedName {
	return types.NamespacedName{Namespace: t.namespace, Name: t.name + "-" + channel}
}

// createChannel makes a Channel with a Secret and a shop of its own.
func (t *tenant) createChannel(c *chance, name string, spec inventoryv1alpha1.ChannelSpec) *shop {
	key := t.key(name)
	spec.Type, spec.ClientRef = inventoryv1alpha1.ChannelOmni, inventoryv1alpha1.NameRef{Name: t.name}
	spec.CredentialsSecretRef = &inventoryv1alpha1.NameRef{Name: key.Name}
	spec.Timeout = &metav1.Duration{Duration: 5 * time.Second}
	spec.MaxAttempts = 1000
	spec.Jobs = &inventoryv1alpha1.JobHistory{SuccessfulLimit: new(int32(2)), FailedLimit: new(int32(2))}
	t.api.mu.Lock()
	defer t.api.mu.Unlock()
	ch := &inventoryv1alpha1.Channel{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name, Generation: 1}, Spec: spec}
	ch.UID = types.UID(fmt.Sprintf("channel-%d", t.api.revision))
	s := t.market.open(ch.UID, c, t.password())
	t.api.put(t.secret(key, s.password))
	t.api.put(ch)
	return s
}

func (t *tenant) password() string {
	t.passwords++
	return fmt.Sprintf("password %d", t.passwords)
}

// rotate has the shop ask for another password from now on, and puts that into the Secret.
func (t *tenant) rotate(channel string) {
	s := t.shopOf(channel)
	if s == nil {
		return
	}
	next := t.password()
	s.set(func(s *shop) { s.password = next })
	edit(t.api, t.key(channel), func(secret *corev1.Secret) { secret.Data = map[string][]byte{"password": []byte(next)} })
}

// secret returns the Secret of a channel.
func (t *tenant) secret(key types.NamespacedName, password string) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name, UID: types.UID("secret-" + password)},
		Data:       map[string][]byte{"password": []byte(password)},
	}
}

// present returns an object as it is stored; false where there is none.
func present[T client.Object](m *memory, key types.NamespacedName) (T, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var none T
	is := m.objects[kindOf(none)][key]
	if is == nil {
		return none, false
	}
	return is.DeepCopyObject().(T), true
}

// edit changes an object as a pipeline does, if it exists and is not being deleted, and reports whether it did.
func edit[T client.Object](m *memory, key types.NamespacedName, change func(T)) bool {
	is, ok := present[T](m, key)
	if !ok || is.GetDeletionTimestamp() != nil {
		return false
	}
	return m.update(is, "", func(obj client.Object) client.Object {
		change(obj.(T))
		return obj
	}) == nil
}

// shopOf returns the shop of a channel; nil where there is none.
func (t *tenant) shopOf(channel string) *shop {
	ch, ok := present[*inventoryv1alpha1.Channel](t.api, t.key(channel))
	if !ok {
		return nil
	}
	return t.market.shop(ch.UID)
}

// acknowledge notes quantities that are stored.
func (w *world) acknowledge(key poolKey, quantities map[string]inventoryv1alpha1.Quantity) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.truth[key] == nil {
		w.truth[key] = map[string]int64{}
	}
	for sku, q := range quantities {
		w.truth[key][sku] = int64(q)
	}
}

// forget notes that a Location has gone with its stock.
func (w *world) forget(location types.NamespacedName) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for key := range w.truth {
		if key.location == location {
			delete(w.truth, key)
		}
	}
}

// acknowledged returns a copy of the last acknowledged quantities.
func (w *world) acknowledged() stock {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := stock{}
	for key, quantities := range w.truth {
		out[key] = maps.Clone(quantities)
	}
	return out
}

// calmDown ends all disturbances.
func (w *world) calmDown() {
	w.api.setFaulty(false)
	w.api.refuse(false)
	for _, s := range w.market.all() {
		s.set(func(s *shop) { s.mood = fine })
	}
	w.api.awaitLate()
	for _, s := range w.market.all() {
		s.awaitLate()
	}
}

// comeRight waits until nothing differs from what it has to be, and stays so for a while.
func (w *world) comeRight(ctx context.Context, want func() stock) error {
	const rest = 30 * time.Second
	err := w.differences(want())
	for left, step := patience, time.Second; err != nil && left > 0; left, step = left-step, min(step*5/4, time.Minute) {
		pause(ctx, step)
		err = w.differences(want())
	}
	if err != nil {
		return fmt.Errorf("after %s of peace: %w", patience, err)
	}
	pause(ctx, rest)
	if err := w.differences(want()); err != nil {
		return fmt.Errorf("%s after everything was right: %w", rest, err)
	}
	return nil
}
