package v1alpha1

// VendureLocationKey names the field that Vendure's stock locations are found by.
// +kubebuilder:validation:Enum=Name;ID
type VendureLocationKey string

// Keys of a stock location.
const (
	VendureLocationName VendureLocationKey = "Name"
	VendureLocationID   VendureLocationKey = "ID"
)

// VendureQuantity says what a quantity is.
// +kubebuilder:validation:Enum=OnHand;Available
type VendureQuantity string

const (
	// VendureOnHand is what lies at a location, allocated to orders or not.
	VendureOnHand VendureQuantity = "OnHand"
	// VendureAvailable is what can still be sold.
	VendureAvailable VendureQuantity = "Available"
)

// VendureUntracked says what is done about a variant whose stock the shop does not track.
// +kubebuilder:validation:Enum=Refuse;Track
type VendureUntracked string

const (
	// VendureRefuse leaves it to people to have the shop track it.
	VendureRefuse VendureUntracked = "Refuse"
	// VendureTrack has the shop track it.
	VendureTrack VendureUntracked = "Track"
)

// VendureChannel configures a Vendure shop.
type VendureChannel struct {
	// url is the shop's Admin API, such as https://shop.example.com/admin-api.
	// +required
	// +kubebuilder:validation:XValidation:rule="!self.contains('?') && !self.contains('#')",message="url must have neither a query nor a fragment"
	URL HTTPURL `json:"url,omitempty"`

	// channelToken selects one of the channels of a Vendure server; its default channel unless set.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	// +kubebuilder:validation:Pattern=`^[!-~]+$`
	ChannelToken string `json:"channelToken,omitempty"`

	// locationKey says what a stock location is found by: its Name, or its ID in the shop.
	// +optional
	// +default="Name"
	LocationKey VendureLocationKey `json:"locationKey,omitempty"`

	// location is the stock location that takes the sums in Consolidated mode, found by locationKey,
	// too; the shop's only one unless set.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	Location string `json:"location,omitempty"`

	// quantity says what a quantity is. OnHand is what lies at the location, with what is allocated to
	// the shop's open orders: it is set as it is. Available is what can still be sold: what is allocated is added to it.
	// +optional
	// +default="OnHand"
	Quantity VendureQuantity `json:"quantity,omitempty"`

	// untracked says what is done about a variant whose stock the shop does not track, and which it sells
	// whatever its quantity: Refuse, so that people decide, or Track, so that it is tracked from now on.
	// +optional
	// +default="Refuse"
	Untracked VendureUntracked `json:"untracked,omitempty"`
}
