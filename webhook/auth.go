package webhook

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/cache"
	ctrlcache "sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// principal is whom a request speaks for: one Client, or several that share a credential.
type principal []*inventoryv1alpha1.Client

// credential opens the ingress for a Client. Only digests are kept.
type credential struct {
	password [sha256.Size]byte
	client   *inventoryv1alpha1.Client
}

// authenticator knows the credentials of all Clients.
type authenticator struct {
	reader client.Reader
	stale  atomic.Bool // something has changed since the index was built

	building sync.Mutex
	index    atomic.Pointer[map[[sha256.Size]byte][]credential] // by digest of the username
}

func newAuthenticator(reader client.Reader) *authenticator {
	a := &authenticator{reader: reader}
	a.stale.Store(true)
	return a
}

// watch has the index built anew after every change of a Client or Secret.
func (a *authenticator) watch(ctx context.Context, informers ctrlcache.Informers) error {
	for _, kind := range []client.Object{&inventoryv1alpha1.Client{}, &corev1.Secret{}} {
		informer, err := informers.GetInformer(ctx, kind)
		if err != nil {
			return fmt.Errorf("watch %T: %w", kind, err)
		}
		_, err = informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc:    func(any) { a.stale.Store(true) },
			UpdateFunc: func(any, any) { a.stale.Store(true) },
			DeleteFunc: func(any) { a.stale.Store(true) },
		})
		if err != nil {
			return fmt.Errorf("watch %T: %w", kind, err)
		}
	}
	return nil
}

var errNoPrincipal = errors.New("no or wrong credentials")

// authenticate returns whom a request speaks for. The error never tells which part was wrong.
func (a *authenticator) authenticate(r *http.Request) (principal, error) {
	index, err := a.current(r.Context())
	if err != nil {
		return nil, err
	}
	username, password := r.Header.Get("authUsername"), r.Header.Get("authPassword")
	if username == "" && password == "" {
		username, password, _ = r.BasicAuth()
	}
	domain := r.Header.Get("authDomainName")
	given := sha256.Sum256([]byte(password))
	candidates := index[sha256.Sum256([]byte(username))]
	if len(candidates) == 0 {
		candidates = []credential{{}} // as much work for a name that nobody has
	}
	var who principal
	for _, c := range candidates {
		same := subtle.ConstantTimeCompare(c.password[:], given[:]) == 1
		if same && c.client != nil && (domain == "" || domain == c.client.Spec.DomainName) && !slices.Contains(who, c.client) {
			who = append(who, c.client)
		}
	}
	if len(who) == 0 || username == "" || password == "" {
		return nil, errNoPrincipal
	}
	return who, nil
}

// current returns the index, built anew if something has changed.
func (a *authenticator) current(ctx context.Context) (map[[sha256.Size]byte][]credential, error) {
	if !a.stale.Load() {
		return *a.index.Load(), nil
	}
	a.building.Lock()
	defer a.building.Unlock()
	if a.stale.Swap(false) {
		if err := a.build(ctx); err != nil {
			a.stale.Store(true)
			return nil, err
		}
	}
	return *a.index.Load(), nil
}

func (a *authenticator) build(ctx context.Context) error {
	clients := &inventoryv1alpha1.ClientList{}
	if err := a.reader.List(ctx, clients); err != nil {
		return fmt.Errorf("list Clients: %w", err)
	}
	index := map[[sha256.Size]byte][]credential{}
	for i := range clients.Items {
		c := &clients.Items[i]
		if c.DeletionTimestamp != nil {
			continue
		}
		for _, ref := range c.Spec.CredentialsSecretRefs {
			secret := &corev1.Secret{}
			err := a.reader.Get(ctx, client.ObjectKey{Namespace: c.Namespace, Name: ref.Name}, secret)
			if apierrors.IsNotFound(err) {
				continue // the Client's condition says so
			}
			if err != nil {
				return fmt.Errorf("get Secret %s: %w", ref.Name, err)
			}
			username, password := secret.Data["username"], secret.Data["password"]
			if len(username) == 0 || len(password) == 0 {
				continue
			}
			name := sha256.Sum256(username)
			index[name] = append(index[name], credential{sha256.Sum256(password), c})
		}
	}
	a.index.Store(&index)
	return nil
}
