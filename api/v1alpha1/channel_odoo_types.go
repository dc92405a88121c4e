package v1alpha1

// OdooChannel configures an Odoo database, from Odoo 19.
// +kubebuilder:validation:XValidation:rule="!self.url.contains('?') && !self.url.contains('#')",message="odoo.url must not have a query or a fragment"
type OdooChannel struct {
	// url is the address of the Odoo server: its JSON-2 API lies below it, at json/2.
	// +required
	URL HTTPURL `json:"url,omitempty"`

	// database names the database, where the server has several and does not choose by the host.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-zA-Z0-9][a-zA-Z0-9_.-]*$`
	Database string `json:"database,omitempty"`

	// location is the stock location that is told the sum, by its complete name, as WH/Stock, or its id:
	// required in Consolidated mode, and not allowed in LocationWise mode, where the channel's location
	// codes are such names or ids.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	Location string `json:"location,omitempty"`
}
