package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// DefaultRequestsPerMinute is the rate that a Client gets unless it sets one. The
// inventory standard publishes 200 requests a minute for each client.
const DefaultRequestsPerMinute int32 = 200

// Keys of the Secrets that spec.credentialsSecretRefs name.
const (
	UsernameKey = "username"
	PasswordKey = "password"
)

// ClientSpec declares a tenant.
type ClientSpec struct {
	// clientId is the number that identifies the tenant in array payloads. It cannot change.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="clientId is immutable"
	ClientID int64 `json:"clientId,omitempty"`

	// domainName is compared with the authDomainName header where a request sends one.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	DomainName string `json:"domainName,omitempty"`

	// credentialsSecretRefs name Secrets with the keys username and password. Any of them
	// opens the ingress, so that credentials rotate without a gap: add the new one, switch
	// the sender over, remove the old one.
	// +required
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	CredentialsSecretRefs []NameRef `json:"credentialsSecretRefs,omitempty"`

	// rateLimit bounds the requests of this tenant on each replica of the ingress.
	// +optional
	RateLimit ClientRateLimit `json:"rateLimit,omitempty,omitzero"`
}

// ClientRateLimit is a token bucket, refilled evenly.
// +kubebuilder:validation:MinProperties=1
type ClientRateLimit struct {
	// requestsPerMinute is both the refill in a minute and the depth of the bucket.
	// +optional
	// +default=200
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	RequestsPerMinute int32 `json:"requestsPerMinute,omitempty"`
}

// ClientStatus is what the controller found out about the tenant.
// +kubebuilder:validation:MinProperties=1
type ClientStatus struct {
	// conditions of the tenant: Ready is False while a credential cannot be read.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// observedGeneration is the generation of the spec that the status speaks of; -1 before
	// the first look.
	// +optional
	// +kubebuilder:validation:Minimum=-1
	ObservedGeneration *int64 `json:"observedGeneration,omitempty"`

	// locationCount is the number of Locations of this tenant.
	// +optional
	// +kubebuilder:validation:Minimum=0
	LocationCount *int32 `json:"locationCount,omitempty"`
}

// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=tmc,categories=tallyman;tallyman-all
// +kubebuilder:printcolumn:name="Client ID",type=integer,JSONPath=`.spec.clientId`
// +kubebuilder:printcolumn:name="Domain",type=string,JSONPath=`.spec.domainName`
// +kubebuilder:printcolumn:name="Locations",type=integer,JSONPath=`.status.locationCount`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Status",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`

// Client is a tenant: who may send inventory, under which number, and how often.
// A tenant lives in one namespace, with its Locations and Channels.
type Client struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty,omitzero"`

	// spec declares the tenant.
	// +required
	Spec ClientSpec `json:"spec,omitempty,omitzero"`

	// status is written by the controller.
	// +optional
	// +default={"observedGeneration":-1}
	Status ClientStatus `json:"status,omitempty,omitzero"`
}

// +kubebuilder:object:root=true

// ClientList is a list of Clients.
type ClientList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Client `json:"items"`
}

// RequestsPerMinute is the tenant's rate limit, with the default filled in.
func (c *Client) RequestsPerMinute() int32 {
	if n := c.Spec.RateLimit.RequestsPerMinute; n > 0 {
		return n
	}
	return DefaultRequestsPerMinute
}
