package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// MaxSnapshotSKUs is the most SKUs that the API server accepts in one InventorySnapshot. The fold
// splits snapshots long before.
const MaxSnapshotSKUs = 2000

// SyncState is where one SKU stands on one channel.
// +kubebuilder:validation:Enum=Pending;Retrying;Failed
type SyncState string

const (
	// SyncPending means that a quantity waits to be pushed.
	SyncPending SyncState = "Pending"
	// SyncRetrying means that a push failed and another attempt is scheduled.
	SyncRetrying SyncState = "Retrying"
	// SyncFailed means that the channel refused the SKU; it is tried again when its quantity
	// changes, with all others on a repush or when the Channel's destination changes, and at
	// nextAttemptTime where the channel could not identify it.
	SyncFailed SyncState = "Failed"
	// SyncSynced means that the channel has confirmed the present quantity. It is the state of
	// every SKU that a snapshot does not list, and never stored.
	SyncSynced SyncState = "Synced"
)

// SnapshotChannel is the state of a snapshot's SKUs on one channel. A SKU that is listed neither in
// pending nor in failures is in step. A channel that a snapshot does not list has never been
// given any of its SKUs.
type SnapshotChannel struct {
	// name of the Channel.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`

	// epoch is the number of the Channel's epoch that the state speaks of.
	// +optional
	// +kubebuilder:validation:Minimum=1
	Epoch int64 `json:"epoch,omitempty"`

	// lastSyncTime is when the channel last confirmed a SKU of this snapshot.
	// +optional
	LastSyncTime *metav1.Time `json:"lastSyncTime,omitempty"`

	// pending lists SKUs that wait for their first push since they changed.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=2000
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=255
	Pending []string `json:"pending,omitempty"`

	// failures lists SKUs whose last push failed, with the reason.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=2000
	Failures []SKUFailure `json:"failures,omitempty"`
}

// SKUFailure says why a SKU is not in step with a channel.
type SKUFailure struct {
	// sku is the SKU.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	SKU string `json:"sku,omitempty"`

	// state is Retrying or Failed.
	// +required
	State SyncState `json:"state,omitempty"`

	// reason is a CamelCase word for programs.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Reason string `json:"reason,omitempty"`

	// message is for people; what a channel said is cut at 300 characters.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	Message string `json:"message,omitempty"`

	// attempts is the number of pushes since the quantity last changed.
	// +optional
	// +kubebuilder:validation:Minimum=1
	Attempts int32 `json:"attempts,omitempty"`

	// nextAttemptTime is when the SKU is pushed again; absent when nothing is scheduled.
	// +optional
	NextAttemptTime *metav1.Time `json:"nextAttemptTime,omitempty"`
}

// +kubebuilder:object:root=true
// +kubebuilder:resource:shortName=tmsnap,categories=tallyman-all
// +kubebuilder:selectablefield:JSONPath=`.locationName`
// +kubebuilder:printcolumn:name="Location",type=string,JSONPath=`.locationName`
// +kubebuilder:printcolumn:name="Pool",type=integer,JSONPath=`.poolId`
// +kubebuilder:printcolumn:name="From",type=string,priority=1,JSONPath=`.from`
// +kubebuilder:printcolumn:name="SKUs",type=integer,JSONPath=`.skuCount`
// +kubebuilder:printcolumn:name="Pending",type=integer,JSONPath=`.pendingCount`
// +kubebuilder:printcolumn:name="Failed",type=integer,JSONPath=`.failedCount`
// +kubebuilder:printcolumn:name="Last change",type=date,JSONPath=`.lastChangeTime`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="!has(self.from) || !has(self.to) || self.from < self.to",message="from must sort before to"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.locationUID) || (has(self.locationUID) && self.locationUID == oldSelf.locationUID)",message="locationUID is immutable once set"

// InventorySnapshot holds the present quantities of a range of neighbouring SKUs of one location
// and pool, with the state of each SKU on each channel. Like EndpointSlice it has neither spec
// nor status: it is written by controllers only, as a whole.
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

	// locationUID is the uid of the Location whose stock this is: one of the same name that comes later is
	// another one, and inherits nothing.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Type=string
	LocationUID types.UID `json:"locationUID,omitempty"`

	// poolId is the inventory pool; 0 is the common pool.
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="poolId is immutable"
	PoolID int64 `json:"poolId"`

	// from is the first SKU of the range; absent in the first snapshot of a location and pool.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	From string `json:"from,omitempty"`

	// to is the first SKU after the range; absent in the last snapshot of a location and pool.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	To string `json:"to,omitempty"`

	// revision is the resourceVersion of the last InventoryBatch that was looked at when the
	// snapshot was written: all that came up to it is contained.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Revision string `json:"revision,omitempty"`

	// lastChangeTime is when a quantity in here last changed: when the API server stored the InventoryBatch that set
	// it, or a newer one for the location that was folded with it.
	// +optional
	LastChangeTime *metav1.Time `json:"lastChangeTime,omitempty"`

	// skuCount is the number of SKUs.
	// +required
	// +kubebuilder:validation:Minimum=0
	SKUCount int32 `json:"skuCount"`

	// pendingCount is the number of SKUs that wait for a push or a retry, summed over channels.
	// +required
	// +kubebuilder:validation:Minimum=0
	PendingCount int32 `json:"pendingCount"`

	// failedCount is the number of SKUs that a channel refused, summed over channels.
	// +required
	// +kubebuilder:validation:Minimum=0
	FailedCount int32 `json:"failedCount"`

	// skus maps each SKU to its present absolute quantity.
	// +required
	// +mapType=atomic
	// +kubebuilder:validation:MinProperties=0
	// +kubebuilder:validation:MaxProperties=2000
	SKUs map[string]Quantity `json:"skus"`

	// channels is the state of the SKUs on each channel.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	Channels []SnapshotChannel `json:"channels,omitempty"`
}

// +kubebuilder:object:root=true

// InventorySnapshotList is a list of InventorySnapshots.
type InventorySnapshotList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []InventorySnapshot `json:"items"`
}
