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

// credentials are those of all Clients, by digest of the username.
type credentials map[[sha256.Size]byte][]credential

// authenticator knows the credentials of all Clients.
type authenticator struct {
	reader  client.Reader
	changes atomic.Int64 // of Clients and Secrets

	building sync.Mutex
	index    atomic.Pointer[index] // nil before the first request
}

// index is what the credentials were after a number of changes.
type index struct {
	changes     int64
	credentials credentials
}

func newAuthenticator(reader client.Reader) *authenticator { return &authenticator{reader: reader} }

// changed notes that a Client or Secret has changed.
func (a *authenticator) changed() { a.changes.Add(1) }

// watch has the index built anew after every change of a Client or Secret.
func (a *authenticator) watch(ctx context.Context, informers ctrlcache.Informers) error {
	for _, kind := range []client.Object{&inventoryv1alpha1.Client{}, &corev1.Secret{}} {
		informer, err := informers.GetInformer(ctx, kind)
		if err != nil {
			return fmt.Errorf("watch %T: %w", kind, err)
		}
		_, err = informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc:    func(any) { a.changed() },
			UpdateFunc: func(any, any) { a.changed() },
			DeleteFunc: func(any) { a.changed() },
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
	known, err := a.current(r.Context())
	if err != nil {
		return nil, err
	}
	username, password := r.Header.Get("authUsername"), r.Header.Get("authPassword")
	if username == "" && password == "" {
		username, password, _ = r.BasicAuth()
	}
	domain := r.Header.Get("authDomainName")
	given := sha256.Sum256([]byte(password))
	candidates := known[sha256.Sum256([]byte(username))]
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

// current returns the credentials as they are after all changes so far.
func (a *authenticator) current(ctx context.Context) (credentials, error) {
	if known := a.index.Load(); known != nil && known.changes == a.changes.Load() {
		return known.credentials, nil
	}
	a.building.Lock()
	defer a.building.Unlock()
	changes := a.changes.Load() // before anything is read: what changes meanwhile is read again
	if known := a.index.Load(); known != nil && known.changes == changes {
		return known.credentials, nil // another request has just built it
	}
	built, err := a.build(ctx)
	if err != nil {
		return nil, err
	}
	a.index.Store(&index{changes, built})
	return built, nil
}

func (a *authenticator) build(ctx context.Context) (credentials, error) {
	clients := &inventoryv1alpha1.ClientList{}
	if err := a.reader.List(ctx, clients); err != nil {
		return nil, fmt.Errorf("list Clients: %w", err)
	}
	out := credentials{}
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
				return nil, fmt.Errorf("get Secret %s: %w", ref.Name, err)
			}
			username, password := secret.Data["username"], secret.Data["password"]
			if len(username) == 0 || len(password) == 0 {
				continue
			}
			name := sha256.Sum256(username)
			out[name] = append(out[name], credential{sha256.Sum256(password), c})
		}
	}
	return out, nil
}
