package controllers

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// Names of the cache's indexes.
const (
	byClient  = "tallyman.client"
	bySecret  = "tallyman.secret"
	byTable   = "tallyman.table"
	byChannel = "tallyman.channel"
)

// Index adds the indexes that the reconcilers use. It is called once for a manager.
func Index(ctx context.Context, indexer client.FieldIndexer) error {
	for _, index := range []struct {
		kind  client.Object
		name  string
		value client.IndexerFunc
	}{
		{&inventoryv1alpha1.Client{}, bySecret, func(o client.Object) []string {
			return refNames(o.(*inventoryv1alpha1.Client).Spec.CredentialsSecretRefs...)
		}},
		{&inventoryv1alpha1.Location{}, byClient, func(o client.Object) []string {
			return []string{o.(*inventoryv1alpha1.Location).Spec.ClientRef.Name}
		}},
		{&inventoryv1alpha1.Channel{}, bySecret, func(o client.Object) []string {
			return refNames(secretRefs(o.(*inventoryv1alpha1.Channel))...)
		}},
		{&inventoryv1alpha1.Channel{}, byTable, func(o client.Object) []string {
			m := o.(*inventoryv1alpha1.Channel).Spec.SKUMapping
			if m == nil || m.TableRef == nil {
				return nil
			}
			return []string{m.TableRef.Name}
		}},
		{&inventoryv1alpha1.Channel{}, byClient, func(o client.Object) []string {
			return []string{o.(*inventoryv1alpha1.Channel).Spec.ClientRef.Name}
		}},
		{&inventoryv1alpha1.ChannelSyncJob{}, byChannel, func(o client.Object) []string {
			return []string{o.(*inventoryv1alpha1.ChannelSyncJob).Spec.ChannelRef.Name}
		}},
	} {
		if err := indexer.IndexField(ctx, index.kind, index.name, index.value); err != nil {
			return fmt.Errorf("index %T by %s: %w", index.kind, index.name, err)
		}
	}
	return nil
}

// secretRefs returns the Secrets that a Channel reads.
func secretRefs(ch *inventoryv1alpha1.Channel) []inventoryv1alpha1.NameRef {
	var refs []inventoryv1alpha1.NameRef
	if ref := ch.Spec.CredentialsSecretRef; ref != nil {
		refs = append(refs, *ref)
	}
	if t := ch.Spec.Transport; t != nil && t.TLSSecretRef != nil {
		refs = append(refs, *t.TLSSecretRef)
	}
	return refs
}

func refNames(refs ...inventoryv1alpha1.NameRef) []string {
	names := make([]string, len(refs))
	for i, ref := range refs {
		names[i] = ref.Name
	}
	return names
}

// counted writes a number with what it counts.
func counted(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// requestsFor lists objects of a kind whose index has a value, as requests. A list that fails is
// retried by no one, but the cache only fails before it is synced, and then everything is
// reconciled anyway.
func requestsFor(ctx context.Context, c client.Reader, list client.ObjectList, namespace, index, value string) []reconcile.Request {
	if err := c.List(ctx, list, client.InNamespace(namespace), client.MatchingFields{index: value}); err != nil {
		return nil
	}
	return requests(list)
}

func requests(list client.ObjectList) []reconcile.Request {
	var out []reconcile.Request
	add := func(o client.Object) {
		out = append(out, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(o)})
	}
	switch l := list.(type) {
	case *inventoryv1alpha1.ClientList:
		for i := range l.Items {
			add(&l.Items[i])
		}
	case *inventoryv1alpha1.LocationList:
		for i := range l.Items {
			add(&l.Items[i])
		}
	case *inventoryv1alpha1.ChannelList:
		for i := range l.Items {
			add(&l.Items[i])
		}
	}
	return out
}

// secretData returns the content of a Secret.
func secretData(ctx context.Context, c client.Reader, namespace, name string) (*corev1.Secret, error) {
	secret := &corev1.Secret{}
	if err := c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, secret); err != nil {
		return nil, err
	}
	return secret, nil
}
