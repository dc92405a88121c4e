package v1alpha1

// HTTPURL is an absolute URL.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=2048
// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() in ['http', 'https'] && size(url(self).getHost()) > 0",message="must be an absolute http or https URL"
type HTTPURL string

// SKUMapping says what a channel calls a SKU. A SKU that the table lists is called what stands
// there; any other is first changed by pattern, then given prefix and suffix.
// +kubebuilder:validation:MinProperties=1
type SKUMapping struct {
	// tableRef names a ConfigMap with the label inventory.tallyman.dev/sku-table=true and the key
	// skus.yaml: a YAML map from SKU to the channel's name of it. A name must not be given to
	// two SKUs.
	// +optional
	TableRef *NameRef `json:"tableRef,omitempty"`

	// unlisted says what becomes of SKUs that the table does not list: Pass changes them by the
	// other fields; Refuse does not push them, and reports them as failed. Pass unless set.
	// +optional
	// +kubebuilder:validation:Enum=Pass;Refuse
	Unlisted string `json:"unlisted,omitempty"`

	// pattern replaces every match of an expression.
	// +optional
	Pattern *SKUPattern `json:"pattern,omitempty"`

	// prefix is put before the SKU.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Prefix string `json:"prefix,omitempty"`

	// suffix is put after the SKU.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Suffix string `json:"suffix,omitempty"`
}

// SKUPattern replaces what an expression matches.
type SKUPattern struct {
	// match is a regular expression in RE2 syntax.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	Match string `json:"match,omitempty"`

	// replace is what every match is replaced by; $1 or ${name} stand for groups. Matches are
	// deleted unless set.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	Replace string `json:"replace,omitempty"`
}

// LocationMapping says what a channel calls a location.
type LocationMapping struct {
	// code is spec.code of the Location.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	Code string `json:"code,omitempty"`

	// channelCode is what the channel calls it.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	ChannelCode string `json:"channelCode,omitempty"`
}
