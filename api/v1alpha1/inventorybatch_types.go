package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// MaxBatchSKUs is the most SKUs that one InventoryBatch holds, over all locations and pools.
	MaxBatchSKUs = 2000
	// MaxBatchStock is the most locations and pools that one InventoryBatch is of.
	MaxBatchStock = 256
	// MaxRequestIDLength is the longest id of a request, in characters.
	MaxRequestIDLength = 128
)

// +kubebuilder:object:root=true
// +kubebuilder:resource:shortName=tmbatch,categories=tallyman
// +kubebuilder:printcolumn:name="First Location",type=string,JSONPath=`.stock[0].locationName`
// +kubebuilder:printcolumn:name="Locations",type=integer,JSONPath=`.locationCount`
// +kubebuilder:printcolumn:name="SKUs",type=integer,JSONPath=`.skuCount`
// +kubebuilder:printcolumn:name="Batches",type=integer,JSONPath=`.batchCount`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`

// InventoryBatch is an immutable record: the absolute quantities that a batch, or several
// batches of a tenant committed together, set at locations. Its resourceVersion is its place
// in the order of all batches. It has neither spec nor status, as nobody ever changes it.
type InventoryBatch struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty,omitzero"`

	// batchCount is the number of accepted requests that were committed together.
	// +required
	// +kubebuilder:validation:Minimum=0
	BatchCount int32 `json:"batchCount"`

	// locationCount is the number of Locations in stock.
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=256
	LocationCount int32 `json:"locationCount"`

	// skuCount is the number of SKUs in stock; one that is there for two locations or pools counts twice.
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2000
	SKUCount int32 `json:"skuCount"`

	// requestDigest is the digest of the one request that came with an Idempotency-Key; a
	// repetition with another body is told apart by it.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	RequestDigest string `json:"requestDigest,omitempty"`

	// stock holds the quantities by location and pool. Empty in a record that only takes a name, so that a
	// create with unknown outcome can never land.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=0
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="stock is immutable"
	Stock []LocationStock `json:"stock"`
}

// LocationStock is what a batch sets at one location and pool.
type LocationStock struct {
	// locationName names the Location in the same namespace.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	LocationName string `json:"locationName,omitempty"`

	// poolId is the inventory pool; 0 is the common pool.
	// +required
	// +kubebuilder:validation:Minimum=0
	PoolID int64 `json:"poolId"`

	// quantities maps each SKU to its absolute saleable quantity.
	// +required
	// +mapType=atomic
	// +kubebuilder:validation:MinProperties=1
	// +kubebuilder:validation:MaxProperties=2000
	Quantities map[string]Quantity `json:"quantities,omitempty"`
}

// Quantity is an absolute number of sale units.
// +kubebuilder:validation:Minimum=0
// +kubebuilder:validation:Maximum=2147483647
type Quantity int32

// +kubebuilder:object:root=true

// InventoryBatchList is a list of InventoryBatches.
type InventoryBatchList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []InventoryBatch `json:"items"`
}
