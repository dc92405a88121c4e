package commit

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilrand "k8s.io/apimachinery/pkg/util/rand"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// nameSuffix is the length of the random part of a name, in characters of a 27-letter
// alphabet: 57 bits.
const nameSuffix = 12

// assemble makes the batch of a group. Each request keeps its entries, in order of arrival.
func assemble(namespace string, group []*entry) *inventoryv1alpha1.InventoryBatch {
	first := group[0].commit
	batch := &inventoryv1alpha1.InventoryBatch{
		ObjectMeta:   metav1.ObjectMeta{Namespace: namespace, Name: first.Name},
		RequestCount: int32(len(group)), //nolint:gosec // at most MaxBatchStock
		Requests:     make([]inventoryv1alpha1.BatchRequest, len(group)),
	}
	senders := map[inventoryv1alpha1.BatchSender]int{}
	locations := map[string]struct{}{}
	for n, e := range group {
		sender, known := senders[e.commit.Sender]
		if !known {
			sender = len(batch.Senders)
			senders[e.commit.Sender] = sender
			batch.Senders = append(batch.Senders, e.commit.Sender)
		}
		batch.Requests[n] = e.commit.request(sender, e.size.skus)
		batch.SKUCount += batch.Requests[n].SKUCount
		for _, stock := range e.commit.Stock {
			stock.Request = int32(n)
			batch.Stock = append(batch.Stock, stock)
			locations[stock.LocationName] = struct{}{}
		}
	}
	batch.LocationCount = int32(len(locations)) //nolint:gosec // at most MaxBatchStock
	if batch.Name == "" {
		batch.Name = batchName(batch)
	}
	return batch
}

// batchName makes a name that says what a batch is of.
func batchName(batch *inventoryv1alpha1.InventoryBatch) string {
	name := batch.Stock[0].LocationName
	if more := batch.LocationCount - 1; more > 0 {
		name = fmt.Sprintf("%s-and-%d-more", name, more)
	}
	return name + "-" + utilrand.String(nameSuffix)
}
