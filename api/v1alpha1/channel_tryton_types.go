package v1alpha1

// TrytonLocationKey names the field that Tryton's locations are found by.
// +kubebuilder:validation:Enum=Code;Name;ID
type TrytonLocationKey string

// Keys of a location.
const (
	TrytonLocationCode TrytonLocationKey = "Code"
	TrytonLocationName TrytonLocationKey = "Name"
	TrytonLocationID   TrytonLocationKey = "ID"
)

// TrytonChannel configures a database of the ERP Tryton.
type TrytonChannel struct {
	// url is where the database answers JSON-RPC: the server's address with the database's name as
	// its path, as https://erp.example.com/acme/.
	// +required
	// +kubebuilder:validation:XValidation:rule="!isURL(self) || url(self).getEscapedPath().size() > 1",message="url must have the name of the database as its path"
	// +kubebuilder:validation:XValidation:rule="!self.contains('?') && !self.contains('#')",message="url must have neither a query nor a fragment"
	URL HTTPURL `json:"url,omitempty"`

	// companyId is the id of the company whose stock is set; the one that the user works for unless set.
	// +optional
	// +kubebuilder:validation:Minimum=1
	CompanyID int64 `json:"companyId,omitempty"`

	// locationKey says what a location is found by: its Code, its Name, or its ID in the database.
	// +optional
	// +default="Code"
	LocationKey TrytonLocationKey `json:"locationKey,omitempty"`

	// location is the location whose stock is set to the sums; found by locationKey, too. It is
	// required in Consolidated mode, and refused in the other.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	Location string `json:"location,omitempty"`
}
