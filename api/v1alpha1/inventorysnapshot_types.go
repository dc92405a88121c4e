package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// MaxSnapshotSKUs is the most SKUs that one InventorySnapshot holds.
const MaxSnapshotSKUs = 2000

// +kubebuilder:object:root=true
// +kubebuilder:resource:shortName=tmsnap,categories=tallyman
// +kubebuilder:selectablefield:JSONPath=`.locationName`
// +kubebuilder:printcolumn:name="Location",type=string,JSONPath=`.locationName`
// +kubebuilder:printcolumn:name="Pool",type=integer,JSONPath=`.poolId`
// +kubebuilder:printcolumn:name="SKUs",type=integer,JSONPath=`.skuCount`
// +kubebuilder:printcolumn:name="Batches",type=integer,JSONPath=`.batchCount`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.skuCount == size(self.quantities)",message="skuCount must be the number of SKUs in quantities"
// +kubebuilder:validation:XValidation:rule="self.quantities.all(sku, size(sku) >= 1 && size(sku) <= 255)",message="quantities: every SKU must have 1 to 255 characters"

// InventorySnapshot is an immutable record: the absolute quantities that a batch, or several
// batches committed together, set at one location and pool. Its resourceVersion is its place
// in the order of all batches. It has neither spec nor status, as nobody ever changes it.
type InventorySnapshot struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty,omitzero"`

	// locationName names the Location in the same namespace.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="locationName is immutable"
	LocationName string `json:"locationName,omitempty"`

	// poolId is the inventory pool; 0 is the common pool.
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="poolId is immutable"
	PoolID int64 `json:"poolId"`

	// batchCount is the number of accepted requests that were committed together.
	// +required
	// +kubebuilder:validation:Minimum=0
	BatchCount int32 `json:"batchCount"`

	// skuCount is the number of SKUs in quantities.
	// +required
	// +kubebuilder:validation:Minimum=0
	SKUCount int32 `json:"skuCount"`

	// requestDigest is the digest of the one request that came with an Idempotency-Key; a
	// repetition with another body is told apart by it.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	RequestDigest string `json:"requestDigest,omitempty"`

	// quantities maps each SKU to its absolute saleable quantity. Empty in a record that only
	// takes a name, so that a create with unknown outcome can never land.
	// +required
	// +mapType=atomic
	// +kubebuilder:validation:MinProperties=0
	// +kubebuilder:validation:MaxProperties=2000
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="quantities are immutable"
	Quantities map[string]Quantity `json:"quantities"`
}

// Quantity is an absolute number of sale units.
// +kubebuilder:validation:Minimum=0
// +kubebuilder:validation:Maximum=2147483647
type Quantity int32

// +kubebuilder:object:root=true

// InventorySnapshotList is a list of InventorySnapshots.
type InventorySnapshotList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []InventorySnapshot `json:"items"`
}
