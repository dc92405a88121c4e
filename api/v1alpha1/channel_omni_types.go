package v1alpha1

// OmniChannel configures a receiver of the omni standard's outbound inventory calls.
type OmniChannel struct {
	// url receives the PUT calls.
	// +required
	URL HTTPURL `json:"url,omitempty"`

	// credentialUrl answers GET with the headers that calls must carry ("Get Credential" of the
	// standard). It is asked at first use and again after every 401.
	// +optional
	CredentialURL HTTPURL `json:"credentialUrl,omitempty"`

	// consolidationType is sent in Consolidated mode: ALL where stores and warehouses are
	// summed, STORE where the selector leaves stores only.
	// +optional
	// +default="ALL"
	// +kubebuilder:validation:Enum=ALL;STORE
	ConsolidationType string `json:"consolidationType,omitempty"`
}
