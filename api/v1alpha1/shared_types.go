package v1alpha1

// Limits that the schema of several kinds shares with the ingress.
const (
	// MaxSKULength is the longest SKU, in characters. The inventory standard that the
	// ingress implements bounds every string by 255.
	MaxSKULength = 255

	// MaxQuantity is the largest quantity of one SKU, in sale units: 2^31-1, the
	// "int" of the inventory standard.
	MaxQuantity = 1<<31 - 1

	// CommonPool is the inventory pool that serves orders unless another is named.
	CommonPool int64 = 0
)

// Condition types. All kinds that have conditions follow kstatus: Ready is the summary,
// Reconciling and Stalled are present only while they are true.
const (
	// ReadyCondition is True when the object does what its spec asks for.
	ReadyCondition = "Ready"

	// ReconcilingCondition is True while controllers still work towards the spec.
	ReconcilingCondition = "Reconciling"

	// StalledCondition is True when no retry can help: the spec, a Secret or something
	// outside has to change first.
	StalledCondition = "Stalled"

	// FreshCondition on a Location is True while batches arrive within staleAfter.
	FreshCondition = "Fresh"
)

const (
	// LocationFinalizer keeps a deleted Location until its stock is withdrawn from every
	// channel, and its InventoryBatches and InventorySnapshots are gone.
	LocationFinalizer = "inventory.tallyman.dev/withdraw-stock"

	// RepushAnnotation on a Channel asks for a push of every SKU whenever its value changes.
	RepushAnnotation = "inventory.tallyman.dev/repush-requested-at"
)

// SKUTableLabel marks the ConfigMaps that hold SKU tables; its value is SKUTableValue. Tallyman watches
// no others.
const (
	SKUTableLabel = "inventory.tallyman.dev/sku-table"
	SKUTableValue = "true"
)

// NameRef names an object of a fixed kind in the same namespace.
// +structType=atomic
type NameRef struct {
	// name of the object.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name,omitempty"`
}
