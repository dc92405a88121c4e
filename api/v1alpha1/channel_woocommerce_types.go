package v1alpha1

// WooCommerceChannel configures a WooCommerce shop.
type WooCommerceChannel struct {
	// url is the address of the shop: its REST API lies below it, at wp-json/wc/v3. WooCommerce takes
	// a consumer key only over https; http is for tests on the same machine.
	// +required
	// +kubebuilder:validation:XValidation:rule="!isURL(self) || url(self).getScheme() == 'https' || url(self).getHostname() in ['localhost', '127.0.0.1']",message="must be https"
	// +kubebuilder:validation:XValidation:rule="!self.contains('?') && !self.contains('#')",message="must not have a query or a fragment"
	URL HTTPURL `json:"url,omitempty"`

	// credentialsIn is where calls carry the consumer key and secret: Header, or Query for servers that
	// do not pass the header Authorization on to WordPress, and then write both into their access logs.
	// +optional
	// +default="Header"
	// +kubebuilder:validation:Enum=Header;Query
	CredentialsIn string `json:"credentialsIn,omitempty"`
}
