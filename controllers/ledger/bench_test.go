package ledger

import (
	"fmt"
	"math/rand/v2"
	"testing"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// BenchmarkApplyBatch applies a full feed of 100,000 SKUs in random order, 750 in a batch, as the log
// has it where pages are committed together. No snapshot contains any of it, or one says all of it already.
func BenchmarkApplyBatch(b *testing.B) {
	const skus, each = 100_000, 750
	order := rand.New(rand.NewPCG(1, 2)).Perm(skus)
	all := make(quantities, skus)
	var feed []*inventoryv1alpha1.InventoryBatch
	for i := 0; i+each <= skus; i += each {
		q := make(quantities, each)
		for _, n := range order[i : i+each] {
			sku := fmt.Sprintf("SKU-%08d", n)
			q[sku], all[sku] = inventoryv1alpha1.Quantity(i), inventoryv1alpha1.Quantity(i)
		}
		feed = append(feed, batch(i+2, q))
	}
	repeated := keep(snapshot("s", 1, 1, "", "", all))
	for _, bc := range []struct {
		name                 string
		subscribed, repeated bool
	}{{"new", false, false}, {"subscribed", true, false}, {"repeated", false, true}} {
		b.Run(bc.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s := NewStore()
				if bc.subscribed {
					s.Subscribe(nil)
				}
				if bc.repeated {
					s.put(repeated)
				}
				for _, page := range feed {
					s.ApplyBatch(page)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(feed)*each), "ns/SKU")
		})
	}
}
