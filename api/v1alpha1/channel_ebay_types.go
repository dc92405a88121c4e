package v1alpha1

// EBayChannel configures a seller's account on eBay, reached by the Sell Inventory API.
// +kubebuilder:validation:MinProperties=1
type EBayChannel struct {
	// url is the root of eBay's APIs; that of the sandbox is https://api.sandbox.ebay.com.
	// +optional
	// +default="https://api.ebay.com"
	URL HTTPURL `json:"url,omitempty"`

	// language is what eBay's messages are written in, as language and country. eBay refuses calls
	// that do not name one of its own.
	// +optional
	// +default="en-US"
	// +kubebuilder:validation:MinLength=5
	// +kubebuilder:validation:MaxLength=5
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z]{2}-[A-Z]{2}$')",message="language must be a language and a country, as en-US"
	Language string `json:"language,omitempty"`
}
