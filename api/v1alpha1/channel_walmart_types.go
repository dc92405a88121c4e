package v1alpha1

// WalmartChannel configures a seller's account on Walmart Marketplace.
// +kubebuilder:validation:MinProperties=1
type WalmartChannel struct {
	// url is the root of the Marketplace APIs; that of the sandbox is https://sandbox.walmartapis.com.
	// +optional
	// +default="https://marketplace.walmartapis.com"
	URL HTTPURL `json:"url,omitempty"`

	// serviceName is sent as WM_SVC.NAME.
	// +optional
	// +default="Walmart Marketplace"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^[ -~]+$')",message="serviceName must be printable ASCII"
	ServiceName string `json:"serviceName,omitempty"`

	// market is sent as WM_MARKET; the account's own unless set.
	// +optional
	// +kubebuilder:validation:Enum=us;ca;mx;cl
	Market string `json:"market,omitempty"`

	// channelType is sent as WM_CONSUMER.CHANNEL.TYPE, which Walmart gives to solution providers.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9A-Za-z-]+$')",message="channelType must be letters, digits and hyphens"
	ChannelType string `json:"channelType,omitempty"`

	// shipNode is where the quantities lie in Consolidated mode; the account's default node unless set.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	ShipNode string `json:"shipNode,omitempty"`

	// feedThreshold is from how many SKUs in a push a feed is used, in place of a request for each SKU.
	// 200 unless set; more than 1000 for never.
	// +optional
	// +default=200
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	FeedThreshold int32 `json:"feedThreshold,omitempty"`
}
