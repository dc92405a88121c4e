package commit

import (
	"encoding/json"
	"fmt"
	"testing"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// BenchmarkGroup stores 54 small batches together, as many as go into a create under a load of small batches.
func BenchmarkGroup(b *testing.B) {
	const requests, each = 54, 3
	for _, locations := range []int{1, 50} {
		b.Run(fmt.Sprintf("locations=%d", locations), func(b *testing.B) {
			w, ns := New(Options{Client: benchClient(b)}), env.Namespace(b)
			var group []*entry
			for i := range requests {
				q := quantities{}
				for n := range each {
					q[fmt.Sprintf("SKU-%010d", i*each+n)] = inventoryv1alpha1.Quantity(n)
				}
				group = append(group, newEntry(new(by(of(ns, fmt.Sprintf("location-%02d", i%locations), q), fmt.Sprintf("%026d", i), "wms", "wms-credentials"))))
				group[i].commit.Stock[0].LocationUID = "0d5f6c2e-8f0e-4b7a-9a3e-2f1d5c6b7a80"
			}
			for b.Loop() {
				for _, err := range w.storeGroup(ns, group) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(storedBytes(b, ns)), "bytes/object")
		})
	}
}

// benchClient is the client that the manager writes by, under its account: the admission policy checks others' batches.
func benchClient(b *testing.B) client.Client {
	b.Helper()
	cfg := rest.CopyConfig(env.Config)
	cfg.Impersonate = rest.ImpersonationConfig{UserName: "system:serviceaccount:bench:tallyman", Groups: []string{"system:masters"}}
	c, err := NewClient(cfg, client.Options{Scheme: env.Scheme})
	if err != nil {
		b.Fatal(err)
	}
	return c
}

// storedBytes returns how many bytes of JSON some batch of a namespace takes.
func storedBytes(b *testing.B, namespace string) int {
	b.Helper()
	list := &inventoryv1alpha1.InventoryBatchList{}
	if err := env.Client.List(b.Context(), list, client.InNamespace(namespace), client.Limit(1)); err != nil || len(list.Items) == 0 {
		b.Fatalf("%d batches: %v", len(list.Items), err)
	}
	raw, err := json.Marshal(&list.Items[0]) // as the API server does, managed fields included
	if err != nil {
		b.Fatal(err)
	}
	return len(raw)
}
