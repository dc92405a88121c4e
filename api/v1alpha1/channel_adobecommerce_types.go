package v1alpha1

// AdobeCommerceChannel configures a shop of Adobe Commerce or Magento Open Source that manages stock by
// sources.
type AdobeCommerceChannel struct {
	// url is the address of the shop: its REST API lies below it, at rest.
	// +required
	// +kubebuilder:validation:XValidation:rule="!self.contains('?') && !self.contains('#')",message="must not have a query or a fragment"
	URL HTTPURL `json:"url,omitempty"`

	// storeView is the code of the store view in the address of calls. Stock is the same in all of them;
	// products are found by SKU in the one that is named.
	// +optional
	// +default="all"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^[a-zA-Z][a-zA-Z0-9_]*$`
	StoreView string `json:"storeView,omitempty"`

	// source is the code of the source that has the sum of all locations, in Consolidated mode. In
	// LocationWise mode each location is a source.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	// +kubebuilder:validation:Pattern=`^[^\s/]+$`
	Source string `json:"source,omitempty"`

	// delivery is Sync, where a call is answered when its quantities are stored; or Bulk, where the shop
	// puts each quantity into a queue, and is asked until they are stored.
	// +optional
	// +default="Sync"
	// +kubebuilder:validation:Enum=Sync;Bulk
	Delivery string `json:"delivery,omitempty"`

	// statusAtZero is what a SKU becomes at its source when none are left: OutOfStock; or InStock, for
	// shops that take backorders.
	// +optional
	// +default="OutOfStock"
	// +kubebuilder:validation:Enum=OutOfStock;InStock
	StatusAtZero string `json:"statusAtZero,omitempty"`
}
