package main

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

const (
	// password of every tenant; the user is the tenant's namespace. Nothing but loopback sees it.
	password = "bench"

	// requestsPerMinute is the most that the API allows: 16,667 a second, far above what two cores take.
	requestsPerMinute = 1_000_000
)

// tenantNamespace is the namespace of a tenant, by number.
func tenantNamespace(n int) string { return fmt.Sprintf("tenant-%d", n) }

// channelName is the name of a tenant's channel, by number.
func channelName(n int) string { return fmt.Sprintf("channel-%d", n) }

// createTenants declares all tenants with their locations, and their channels at the receiver's address.
func createTenants(ctx context.Context, c client.Client, t Tenants, r *receiver) error {
	for n := range t.Count {
		if err := ensureNamespace(ctx, c, tenantNamespace(n)); err != nil {
			return err
		}
		objs := append(declareTenant(n, t.Locations), declareChannels(n, t, r)...)
		for _, obj := range objs {
			if err := c.Create(ctx, obj); err != nil {
				return fmt.Errorf("create %T %s: %w", obj, obj.GetName(), err)
			}
		}
	}
	return nil
}

// declareTenant declares a Client with its locations, and one more to warm up with.
func declareTenant(n, locations int) []client.Object {
	meta := func(name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: tenantNamespace(n), Name: name}
	}
	objs := []client.Object{
		&corev1.Secret{ObjectMeta: meta("login"), StringData: map[string]string{"username": tenantNamespace(n), "password": password}},
		&inventoryv1alpha1.Client{ObjectMeta: meta("wms"), Spec: inventoryv1alpha1.ClientSpec{
			ClientID: int64(n + 1), CredentialsSecretRefs: []inventoryv1alpha1.NameRef{{Name: "login"}},
			RateLimit: inventoryv1alpha1.ClientRateLimit{RequestsPerMinute: requestsPerMinute},
		}},
	}
	for i := range locations + 1 {
		name := locationIndex{n, i}.name()
		objs = append(objs, &inventoryv1alpha1.Location{ObjectMeta: meta(name), Spec: inventoryv1alpha1.LocationSpec{
			ClientRef: inventoryv1alpha1.NameRef{Name: "wms"}, Code: name, FulfillmentLocationID: int64(i + 1),
		}})
	}
	return objs
}

func declareChannels(n int, t Tenants, r *receiver) []client.Object {
	var objs []client.Object
	for i, mode := range t.Channels {
		objs = append(objs, &inventoryv1alpha1.Channel{
			ObjectMeta: metav1.ObjectMeta{Namespace: tenantNamespace(n), Name: channelName(i)},
			Spec: inventoryv1alpha1.ChannelSpec{
				ClientRef: inventoryv1alpha1.NameRef{Name: "wms"}, Type: inventoryv1alpha1.ChannelOmni, Mode: mode,
				Omni: &inventoryv1alpha1.OmniChannel{URL: inventoryv1alpha1.HTTPURL(r.url(n*len(t.Channels) + i))},
			},
		})
	}
	return objs
}
