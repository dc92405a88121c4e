package v1alpha1

// MedusaChannel configures a Medusa 2 server.
// +kubebuilder:validation:XValidation:rule="!self.url.contains('?') && !self.url.contains('#')",message="medusa.url must not have a query or a fragment"
type MedusaChannel struct {
	// url is the address of the Medusa server: its Admin API lies below it, at admin.
	// +required
	URL HTTPURL `json:"url,omitempty"`

	// locationId is the id of the stock location that is told the sum: required in Consolidated mode, and
	// not allowed in LocationWise mode, where the channel's location codes are such ids.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	LocationID string `json:"locationId,omitempty"`

	// quantity says what a quantity is. OnHand is what lies at the location, with what Medusa has
	// reserved for its orders: it is stored as stocked_quantity as it is. Available is what can still be
	// sold: what Medusa has reserved is added to it.
	// +optional
	// +default="OnHand"
	Quantity MedusaQuantity `json:"quantity,omitempty"`
}

// MedusaQuantity says what a quantity is.
// +kubebuilder:validation:Enum=OnHand;Available
type MedusaQuantity string

const (
	// MedusaOnHand is what lies at a location, reserved or not.
	MedusaOnHand MedusaQuantity = "OnHand"
	// MedusaAvailable is what can still be sold.
	MedusaAvailable MedusaQuantity = "Available"
)
