package v1alpha1

import (
	"encoding/json"

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
	// takes several records is in each of them, with its share. Each has an id, its sender as an index into senders (0
	// if not set), a skuCount, and the digest of its body if it came with an Idempotency-Key.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=256
	Requests []BatchRequest `json:"requests,omitempty"`

	// stock holds the quantities of each request by location and pool, in order of arrival: of two entries
	// that name a SKU at the same location and pool the later counts. Empty in a record that only takes a name,
	// so that a create with unknown outcome can never land. Each entry has a locationName, a locationUID, a poolId (0 if
	// not set), the request that set it as an index into requests (0 if not set), and quantities by SKU.
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

// BatchRequest is a request to the ingress. The CRD declares none of its fields, as checking them would take the API
// server more time than everything else about a batch does. An admission policy checks them instead, where anybody but
// Tallyman creates a batch.
// +kubebuilder:validation:Type=object
// +kubebuilder:pruning:PreserveUnknownFields
type BatchRequest struct {
	// ID is the request's X-Request-Id, of 1 to MaxRequestIDLength characters.
	ID string `json:"id"`

	// Sender is an index into senders; 0, the first one, is left out.
	Sender int32 `json:"sender,omitempty"`

	// SKUCount is the number of SKUs in the request's entries of stock.
	SKUCount int32 `json:"skuCount"`

	// Digest is that of the body of a request that came with an Idempotency-Key; a repetition with
	// another body is told apart by it.
	Digest string `json:"digest,omitempty"`
}

// LocationStock is what a request sets at one location and pool. Its fields are checked as those of BatchRequest are.
// +kubebuilder:validation:Type=object
// +kubebuilder:pruning:PreserveUnknownFields
type LocationStock struct {
	// LocationName names the Location in the same namespace, in 1 to 63 characters.
	LocationName string `json:"locationName"`

	// LocationUID is the metadata.uid of that Location, of 1 to 36 characters: one of the same name that comes later
	// is another.
	LocationUID types.UID `json:"locationUID"`

	// PoolID is the inventory pool; 0, the common pool, is left out.
	PoolID int64 `json:"poolId,omitempty"`

	// Request is an index into requests, of the one that set these quantities; 0, the first one, is left out.
	Request int32 `json:"request,omitempty"`

	// Quantities maps each SKU to its absolute saleable quantity.
	Quantities map[string]Quantity `json:"quantities"`
}

// plainRequest and plainStock are encoded by their fields.
type (
	plainRequest BatchRequest
	plainStock   LocationStock
)

// MarshalJSON implements json.Marshaler, as encoding/json would do by itself: controller-gen declares no fields of
// a type that does.
func (r BatchRequest) MarshalJSON() ([]byte, error) { return json.Marshal(plainRequest(r)) }

// MarshalJSON implements json.Marshaler, for the same reason as BatchRequest does.
func (s LocationStock) MarshalJSON() ([]byte, error) { return json.Marshal(plainStock(s)) }

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
