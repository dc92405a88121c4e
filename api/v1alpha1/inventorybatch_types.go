package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

const (
	// MaxBatchSKUs is the most SKUs that one InventoryBatch holds, over all entries of its stock.
	MaxBatchSKUs = 2000
	// MaxBatchStock is the most entries that the stock of one InventoryBatch has, and so the most requests that
	// are recorded in one.
	MaxBatchStock = 256
	// MaxRequestIDLength is the longest id of a request, in characters.
	MaxRequestIDLength = 128
)

// +kubebuilder:object:root=true
// +kubebuilder:resource:shortName=tmbatch,categories=tallyman-all
// +kubebuilder:printcolumn:name="First Location",type=string,JSONPath=`.stock[0].locationName`
// +kubebuilder:printcolumn:name="Locations",type=integer,JSONPath=`.locationCount`
// +kubebuilder:printcolumn:name="SKUs",type=integer,JSONPath=`.skuCount`
// +kubebuilder:printcolumn:name="Requests",type=integer,JSONPath=`.requestCount`
// +kubebuilder:printcolumn:name="First Client",type=string,JSONPath=`.senders[0].client`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`

// InventoryBatch is an immutable record: the absolute quantities that one request, or several
// requests committed together, set at locations, and who sent them. Its resourceVersion is its place
// in the order of all batches. It has neither spec nor status, as nobody ever changes it.
type InventoryBatch struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty,omitzero"`

	// requestCount is the number of requests. 0 marks a record that only takes a name.
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=256
	RequestCount int32 `json:"requestCount"`

	// locationCount is the number of Locations in stock.
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=256
	LocationCount int32 `json:"locationCount"`

	// skuCount is the number of SKUs in stock; one that is there in two entries counts twice.
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2000
	SKUCount int32 `json:"skuCount"`

	// senders are who sent the requests, each once.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=256
	Senders []BatchSender `json:"senders,omitempty"`

	// requests are the requests of which this record holds what they set, in order of arrival. A request that
	// takes several records is in each of them, with its share.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=256
	Requests []BatchRequest `json:"requests,omitempty"`

	// stock holds the quantities of each request by location and pool, in order of arrival: of two entries
	// that name a SKU at the same location and pool the later counts. Empty in a record that only takes a name,
	// so that a create with unknown outcome can never land.
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=0
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="stock is immutable"
	Stock []LocationStock `json:"stock"`
}

// BatchSender is who sent requests.
type BatchSender struct {
	// client names the Client, in the same namespace, for which the request was sent.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Client string `json:"client,omitempty"`

	// credential names the Secret of the Client that the request was authenticated by.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Credential string `json:"credential,omitempty"`
}

// BatchRequest is a request to the ingress.
type BatchRequest struct {
	// id is the request's X-Request-Id.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	ID string `json:"id,omitempty"`

	// sender is an index into senders.
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=255
	Sender int32 `json:"sender"`

	// skuCount is the number of SKUs in the request's entries of stock.
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2000
	SKUCount int32 `json:"skuCount"`

	// digest is that of the body of a request that came with an Idempotency-Key; a repetition with
	// another body is told apart by it.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Digest string `json:"digest,omitempty"`
}

// LocationStock is what a request sets at one location and pool.
type LocationStock struct {
	// locationName names the Location in the same namespace.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	LocationName string `json:"locationName,omitempty"`

	// locationUID is the metadata.uid of that Location: one of the same name that comes later is another.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=36
	LocationUID types.UID `json:"locationUID,omitempty"`

	// poolId is the inventory pool; 0 is the common pool.
	// +required
	// +kubebuilder:validation:Minimum=0
	PoolID int64 `json:"poolId"`

	// request is an index into requests: the one that set these quantities.
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=255
	Request int32 `json:"request"`

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
