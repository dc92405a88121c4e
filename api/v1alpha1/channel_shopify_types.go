package v1alpha1

// ShopifyAPIVersion is a version of Shopify's GraphQL Admin API. Each is served for a year at least.
// +kubebuilder:validation:Enum="2025-10";"2026-01";"2026-04";"2026-07";"2026-10"
type ShopifyAPIVersion string

// ShopifyQuantityName is a quantity that Shopify lets apps set.
// +kubebuilder:validation:Enum=available;on_hand
type ShopifyQuantityName string

const (
	// ShopifyAvailable is what can be sold.
	ShopifyAvailable ShopifyQuantityName = "available"
	// ShopifyOnHand is what lies there, including what orders have taken that are not shipped yet.
	ShopifyOnHand ShopifyQuantityName = "on_hand"
)

// ShopifyUnstocked says what is done about an item that is not stocked at a location.
// +kubebuilder:validation:Enum=Refuse;Activate
type ShopifyUnstocked string

const (
	// ShopifyRefuse leaves it to people to stock the item.
	ShopifyRefuse ShopifyUnstocked = "Refuse"
	// ShopifyActivate stocks the item at the location.
	ShopifyActivate ShopifyUnstocked = "Activate"
)

// ShopifyChannel configures a Shopify shop.
type ShopifyChannel struct {
	// url is the shop's own address, such as https://acme.myshopify.com.
	// +required
	// +kubebuilder:validation:XValidation:rule="!isURL(self) || url(self).getEscapedPath() in ['', '/'] && size(url(self).getQuery()) == 0",message="url must not have a path or a query"
	URL HTTPURL `json:"url,omitempty"`

	// apiVersion is the version of the GraphQL Admin API that is used.
	// +optional
	// +default="2026-07"
	APIVersion ShopifyAPIVersion `json:"apiVersion,omitempty"`

	// quantityName is what is set: available, what can be sold, or on_hand, what lies there, from which
	// Shopify itself subtracts what its open orders have taken.
	// +optional
	// +default="available"
	QuantityName ShopifyQuantityName `json:"quantityName,omitempty"`

	// location is where all stock lies in Consolidated mode: the location's id, as a number or
	// gid://shopify/Location/<number>, or its name.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	Location string `json:"location,omitempty"`

	// unstocked says what is done about an item that is not stocked at a location: Refuse, so that
	// people stock it, or Activate, so that it is stocked there. A quantity of zero is fulfilled anyway.
	// +optional
	// +default="Refuse"
	Unstocked ShopifyUnstocked `json:"unstocked,omitempty"`
}
