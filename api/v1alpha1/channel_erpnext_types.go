package v1alpha1

// ERPNextChannel configures an ERPNext site, whose warehouses are the locations.
type ERPNextChannel struct {
	// url is the address of the site; what follows its path is added.
	// +required
	URL HTTPURL `json:"url,omitempty"`

	// company owns the warehouses; its name as ERPNext has it.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=140
	Company string `json:"company,omitempty"`

	// warehouse is where quantities go in Consolidated mode, which needs it. In LocationWise mode, every
	// location is a warehouse, by its code or by spec.locationMapping.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=140
	Warehouse string `json:"warehouse,omitempty"`

	// skuField is the field of an Item that holds its SKU. item_code unless set.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[a-z][a-z0-9_]*$`
	SKUField string `json:"skuField,omitempty"`

	// expenseAccount takes the value of differences; the company's stock adjustment account unless set.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=140
	ExpenseAccount string `json:"expenseAccount,omitempty"`

	// costCenter takes the value of differences; the company's unless set.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=140
	CostCenter string `json:"costCenter,omitempty"`
}
