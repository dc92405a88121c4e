package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// SKUExpression is a regular expression in RE2 syntax that a SKU must match from end to end.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=255
type SKUExpression string

// UnselectedSKUs says what a channel is told of SKUs that it does not sell.
// +kubebuilder:validation:Enum=Zero;Ignore
type UnselectedSKUs string

const (
	// ZeroUnselected pushes zero for them whenever everything is pushed.
	ZeroUnselected UnselectedSKUs = "Zero"
	// IgnoreUnselected never pushes them.
	IgnoreUnselected UnselectedSKUs = "Ignore"
)

// Exposure says how much of the stock a channel is shown.
// +kubebuilder:validation:MinProperties=1
type Exposure struct {
	// includeSkus are the SKUs that the channel sells; all unless set.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	IncludeSKUs []SKUExpression `json:"includeSkus,omitempty"`

	// excludeSkus are SKUs that it does not sell though they are included.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	ExcludeSKUs []SKUExpression `json:"excludeSkus,omitempty"`

	// unselectedSkus says what becomes of SKUs that are not sold: Zero pushes zero for them
	// whenever everything is pushed, so that none that was sold before is oversold; Ignore never
	// touches them, which leaves to people what the channel has of them. Zero unless set.
	// +optional
	UnselectedSKUs UnselectedSKUs `json:"unselectedSkus,omitempty"`

	// rules apply to what each location has of a SKU: the first one that matches both. Where none
	// matches, all is shown.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	Rules []ExposureRule `json:"rules,omitempty"`

	// total applies to the sum of what the rules leave at all locations. In LocationWise mode, what
	// it takes away is taken from the locations with the lowest priority first.
	// +optional
	Total *ExposureLimits `json:"total,omitempty"`

	// priorities rank locations for total; those not listed have priority 0. Of equal ones the
	// first by code keeps its stock longest.
	// +optional
	// +listType=map
	// +listMapKey=code
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=256
	Priorities []LocationPriority `json:"priorities,omitempty"`
}

// ExposureRule shows a channel less than there is.
type ExposureRule struct {
	// name is shown where the quantities of a SKU are read back.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self != 'total' && self != 'unselected'",message="name must not be total or unselected, which stand for themselves"
	Name string `json:"name,omitempty"`

	// skus are those that the rule is for; all unless set.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	SKUs []SKUExpression `json:"skus,omitempty"`

	// locationSelector selects the locations that the rule is for; all unless set.
	// +optional
	LocationSelector *metav1.LabelSelector `json:"locationSelector,omitempty"`

	// limits say what is shown. Without any, all is.
	// +optional
	Limits ExposureLimits `json:"limits,omitempty,omitzero"`
}

// ExposureLimits say how much of a quantity is shown. They apply in the order of the fields.
// +kubebuilder:validation:MinProperties=1
type ExposureLimits struct {
	// safetyStock is kept back, in sale units.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2147483647
	SafetyStock *int64 `json:"safetyStock,omitempty"`

	// percentage of what is left is shown, rounded down.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	Percentage *int32 `json:"percentage,omitempty"`

	// cap is the most that is shown, in sale units.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2147483647
	Cap *int64 `json:"cap,omitempty"`

	// zeroBelow shows none where less than this would be shown.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=2147483647
	ZeroBelow *int64 `json:"zeroBelow,omitempty"`
}

// LocationPriority ranks a location.
type LocationPriority struct {
	// code is spec.code of the Location.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	Code string `json:"code,omitempty"`

	// priority is higher where stock is shown for longer.
	// +required
	// +kubebuilder:validation:Minimum=-1000000
	// +kubebuilder:validation:Maximum=1000000
	Priority *int32 `json:"priority,omitempty"`
}
