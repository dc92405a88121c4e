package v1alpha1

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// DefaultStaleAfter is how long a Location may go without a batch before it counts as stale,
// unless it sets staleAfter.
const DefaultStaleAfter = 24 * time.Hour

// LocationType tells warehouses from stores.
// +kubebuilder:validation:Enum=Warehouse;Store
type LocationType string

const (
	// LocationWarehouse ships to customers.
	LocationWarehouse LocationType = "Warehouse"
	// LocationStore sells over the counter too.
	LocationStore LocationType = "Store"
)

// LocationSpec declares a place that holds stock.
type LocationSpec struct {
	// clientRef names the Client that this location belongs to. It cannot change.
	// +required
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="clientRef is immutable"
	ClientRef NameRef `json:"clientRef,omitempty,omitzero"`

	// code is the locationCode of the ingress API, unique for the Client. It cannot change.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="code is immutable"
	Code string `json:"code,omitempty"`

	// fulfillmentLocationId is the number by which array payloads name this location, unique
	// for the Client.
	// +optional
	// +kubebuilder:validation:Minimum=1
	FulfillmentLocationID int64 `json:"fulfillmentLocationId,omitempty"`

	// type is Warehouse or Store.
	// +optional
	// +default="Warehouse"
	Type LocationType `json:"type,omitempty"`

	// staleAfter is how long the location may go without a batch before its condition Fresh
	// turns False. 24h unless set.
	// +optional
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s') && duration(self) <= duration('8760h')",message="staleAfter must be between 1s and 8760h"
	StaleAfter *metav1.Duration `json:"staleAfter,omitempty"`
}

// LocationStatus is what is known of the location's stock.
// +kubebuilder:validation:MinProperties=1
type LocationStatus struct {
	// conditions of the location: Ready (accepts batches), Fresh (a batch came within staleAfter).
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// observedGeneration is the generation of the spec that the status speaks of; -1 before
	// the first look.
	// +optional
	// +kubebuilder:validation:Minimum=-1
	ObservedGeneration *int64 `json:"observedGeneration,omitempty"`

	// foldedRevision is the resourceVersion of the last InventoryBatch that the snapshots of
	// this location contain. What is newer is in the log only.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	FoldedRevision string `json:"foldedRevision,omitempty"`

	// lastBatchTime is when the API server stored the newest InventoryBatch that is folded.
	// +optional
	LastBatchTime *metav1.Time `json:"lastBatchTime,omitempty"`

	// skuCount is the number of SKUs, counted once for each pool that holds them.
	// +optional
	// +kubebuilder:validation:Minimum=0
	SKUCount *int32 `json:"skuCount,omitempty"`

	// snapshotCount is the number of InventorySnapshots.
	// +optional
	// +kubebuilder:validation:Minimum=0
	SnapshotCount *int32 `json:"snapshotCount,omitempty"`
}

// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=tml,categories=tallyman;tallyman-all
// +kubebuilder:selectablefield:JSONPath=`.spec.code`
// +kubebuilder:printcolumn:name="Code",type=string,JSONPath=`.spec.code`
// +kubebuilder:printcolumn:name="Type",type=string,JSONPath=`.spec.type`
// +kubebuilder:printcolumn:name="SKUs",type=integer,JSONPath=`.status.skuCount`
// +kubebuilder:printcolumn:name="Last Batch",type=date,JSONPath=`.status.lastBatchTime`
// +kubebuilder:printcolumn:name="Fresh",type=string,JSONPath=`.status.conditions[?(@.type=="Fresh")].status`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Status",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 63",message="metadata.name must be at most 63 characters: InventoryBatches and InventorySnapshots are named after it"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.spec.fulfillmentLocationId) || (has(self.spec.fulfillmentLocationId) && self.spec.fulfillmentLocationId == oldSelf.spec.fulfillmentLocationId)",message="spec.fulfillmentLocationId is immutable once set"

// Location is a warehouse or store whose stock a Client reports.
type Location struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty,omitzero"`

	// spec declares the location.
	// +required
	Spec LocationSpec `json:"spec,omitempty,omitzero"`

	// status is written by controllers.
	// +optional
	// +default={"observedGeneration":-1}
	Status LocationStatus `json:"status,omitempty,omitzero"`
}

// +kubebuilder:object:root=true

// LocationList is a list of Locations.
type LocationList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Location `json:"items"`
}

// StaleAfter is the location's staleness limit, with the default filled in.
func (l *Location) StaleAfter() time.Duration {
	if l.Spec.StaleAfter != nil {
		return l.Spec.StaleAfter.Duration
	}
	return DefaultStaleAfter
}

// OlderThan reports whether a Location is older than another one or, within a second, has the lesser name: what two of one Client claim, a code or
// a number, belongs to the older one.
func (l *Location) OlderThan(other *Location) bool {
	if l.CreationTimestamp.Equal(&other.CreationTimestamp) {
		return l.Name < other.Name
	}
	return l.CreationTimestamp.Before(&other.CreationTimestamp)
}
