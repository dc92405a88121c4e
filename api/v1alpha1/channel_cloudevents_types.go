package v1alpha1

// CloudEventsChannel configures consumers of CloudEvents: each quantity is an event.
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:XValidation:rule="has(self.http) != has(self.nats)",message="exactly one of http and nats must be set"
type CloudEventsChannel struct {
	// source is the source of the events, within which their sequence counts; the path of the Channel
	// in the API server unless set. To be changed when etcd was restored from a backup, or the Channel
	// was moved to another cluster: sequences begin anew then.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="isURL(self)",message="source must be a URI or an absolute path"
	Source string `json:"source,omitempty"`

	// http sends batches of events by POST.
	// +optional
	HTTP *CloudEventsHTTP `json:"http,omitempty"`

	// nats publishes each event to a subject of its own of a JetStream stream.
	// +optional
	NATS *CloudEventsNATS `json:"nats,omitempty"`
}

// CloudEventsHTTP is a receiver of batches of CloudEvents.
type CloudEventsHTTP struct {
	// url receives the POST calls.
	// +required
	URL HTTPURL `json:"url,omitempty"`
}

// CloudEventsNATS is a JetStream stream that keeps the last event of each SKU.
type CloudEventsNATS struct {
	// servers are the addresses of one NATS system; each connection picks one. Those that a server
	// advertises are not used.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Servers []NATSURL `json:"servers,omitempty"`

	// stream is the name of the stream.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9_-]+$`
	Stream string `json:"stream,omitempty"`

	// subjectPrefix begins every subject. Two channels must not share one.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`
	SubjectPrefix string `json:"subjectPrefix,omitempty"`
}

// NATSURL is the address of a NATS server.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=512
// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() in ['nats', 'tls'] && size(url(self).getHost()) > 0 && !self.contains('@')",message="must be an absolute nats or tls URL without credentials"
type NATSURL string
