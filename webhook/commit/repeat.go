package commit

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// RepetitionError means that the batch of an earlier attempt with the same idempotency key and body is stored, but
// lacks SKUs of this one: those that the first attempt could not place, or whose Location has been made anew since.
type RepetitionError struct {
	stored []inventoryv1alpha1.LocationStock
}

// Error implements error.
func (*RepetitionError) Error() string {
	return "an earlier attempt with this idempotency key is stored without some of these SKUs"
}

// Unwrap makes it an ErrKeyReused: the key cannot store the rest any more.
func (*RepetitionError) Unwrap() error { return ErrKeyReused }

// Has reports whether the earlier attempt has stored a SKU.
func (e *RepetitionError) Has(location types.UID, pool int64, sku string) bool {
	return slices.ContainsFunc(e.stored, func(s inventoryv1alpha1.LocationStock) bool {
		if s.LocationUID != location || s.PoolID != pool {
			return false
		}
		_, has := s.Quantities[sku]
		return has
	})
}

// sameRequests reports whether a stored batch is of the same requests as another of its name. The id of a request
// says nothing where it has a digest: a repetition may have another.
func sameRequests(stored, batch *inventoryv1alpha1.InventoryBatch) bool {
	return slices.EqualFunc(stored.Requests, batch.Requests, func(a, b inventoryv1alpha1.BatchRequest) bool {
		return a.Digest == b.Digest && (a.Digest != "" || a.ID == b.ID)
	})
}

// covers reports whether a stored batch holds all SKUs of another.
func covers(stored, batch *inventoryv1alpha1.InventoryBatch) bool {
	earlier := RepetitionError{stored.Stock}
	for i := range batch.Stock {
		s := &batch.Stock[i]
		for sku := range s.Quantities {
			if !earlier.Has(s.LocationUID, s.PoolID, sku) {
				return false
			}
		}
	}
	return true
}
