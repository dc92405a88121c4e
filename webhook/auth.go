package webhook

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrlcache "sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel/credentials"
)

// sender is a Client with the credential that a request came with for it.
type sender struct {
	*inventoryv1alpha1.Client
	secret string // its name
}

// principal is whom a request speaks for: one Client, or several that share a credential.
type principal []*sender

// credential opens the ingress for a Client. Only digests are kept.
type credential struct {
	password [sha256.Size]byte
	sender   *sender
}

// credentialTable has the credentials of all Clients, by digest of the username.
type credentialTable map[[sha256.Size]byte][]credential

// authenticator knows the credentials of all Clients.
type authenticator struct {
	reader client.Reader
	derived[credentialTable]
}

func newAuthenticator(reader client.Reader) *authenticator {
	a := &authenticator{reader: reader}
	a.compute = a.build
	return a
}

// follow has the credentials read anew after every change of a Client or Secret.
func (a *authenticator) follow(ctx context.Context, informers ctrlcache.Informers) error {
	return errors.Join(
		a.watch(ctx, informers, &inventoryv1alpha1.Client{}, anyUpdate),
		a.watch(ctx, informers, &corev1.Secret{}, anyUpdate),
	)
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
		if same && c.sender != nil && (domain == "" || domain == c.sender.Spec.DomainName) && !who.includes(c.sender.Client) {
			who = append(who, c.sender)
		}
	}
	if len(who) == 0 || username == "" || password == "" {
		return nil, errNoPrincipal
	}
	return who, nil
}

// includes reports whether a principal speaks for a Client. Two Secrets of a Client may hold the same.
func (who principal) includes(c *inventoryv1alpha1.Client) bool {
	return slices.ContainsFunc(who, func(s *sender) bool { return s.Client == c })
}

func (a *authenticator) build(ctx context.Context) (credentialTable, error) {
	clients := &inventoryv1alpha1.ClientList{}
	if err := a.reader.List(ctx, clients); err != nil {
		return nil, fmt.Errorf("list Clients: %w", err)
	}
	out := credentialTable{}
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
			login := credentials.Secret{Name: ref.Name, Data: secret.Data}
			username, password, err := login.Basic(inventoryv1alpha1.UsernameKey, inventoryv1alpha1.PasswordKey)
			if err != nil {
				continue // likewise
			}
			name := sha256.Sum256([]byte(username))
			out[name] = append(out[name], credential{sha256.Sum256([]byte(password)), &sender{c, ref.Name}})
		}
	}
	return out, nil
}
