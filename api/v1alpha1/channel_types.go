package v1alpha1

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Defaults of a Channel.
const (
	// DefaultChannelTimeout bounds one call. The omni standard counts calls of 45 s and more as
	// timed out.
	DefaultChannelTimeout = 45 * time.Second

	// DefaultProbeInterval is how often credentials and reachability are checked at rest.
	DefaultProbeInterval = 5 * time.Minute

	// DefaultRepairsPerMinute bounds how many SKUs are pushed again that a comparison found to differ.
	DefaultRepairsPerMinute int32 = 600

	// DefaultMaxAttempts is how often a SKU is tried that the channel fails without saying
	// whether a retry helps.
	DefaultMaxAttempts int32 = 5

	// DefaultJobsHistoryLimit is how many finished ChannelSyncJobs of each outcome are kept.
	DefaultJobsHistoryLimit int32 = 5

	// DefaultJobTTL is how long a finished ChannelSyncJob is kept.
	DefaultJobTTL = time.Hour
)

// ChannelType names a connector.
// +kubebuilder:validation:Enum=Omni;Shopify;WooCommerce;AdobeCommerce;CloudEvents;ERPNext;Tryton;Vendure;Amazon;Medusa;Odoo;EBay;Walmart
type ChannelType string

// Connectors. Each is configured by the field of the same name.
const (
	ChannelOmni ChannelType = "Omni"
	// ChannelShopify is a Shopify shop.
	ChannelShopify       ChannelType = "Shopify"
	ChannelWooCommerce   ChannelType = "WooCommerce"
	ChannelAdobeCommerce ChannelType = "AdobeCommerce"
	ChannelCloudEvents   ChannelType = "CloudEvents"
	ChannelERPNext       ChannelType = "ERPNext"
	ChannelTryton        ChannelType = "Tryton"
	ChannelVendure       ChannelType = "Vendure"
	ChannelAmazon        ChannelType = "Amazon"
	ChannelMedusa        ChannelType = "Medusa"
	ChannelOdoo          ChannelType = "Odoo"
	ChannelEBay          ChannelType = "EBay"
	ChannelWalmart       ChannelType = "Walmart"
)

// ChannelMode says what a channel is told.
// +kubebuilder:validation:Enum=LocationWise;Consolidated
type ChannelMode string

const (
	// LocationWise tells the channel the quantity of each SKU at each location: it routes orders itself.
	LocationWise ChannelMode = "LocationWise"
	// Consolidated tells the channel one quantity for each SKU, summed over the locations.
	Consolidated ChannelMode = "Consolidated"
)

// ChannelSpec declares a sales channel.
// +kubebuilder:validation:XValidation:rule="(self.type == 'Omni') == has(self.omni)",message="omni must be set if and only if type is Omni"
// +kubebuilder:validation:XValidation:rule="(self.type == 'Shopify') == has(self.shopify)",message="shopify must be set if and only if type is Shopify"
// +kubebuilder:validation:XValidation:rule="!has(self.shopify) || has(self.shopify.location) == (self.mode == 'Consolidated')",message="shopify.location must be set if and only if mode is Consolidated"
// +kubebuilder:validation:XValidation:rule="(self.type == 'WooCommerce') == has(self.wooCommerce)",message="wooCommerce must be set if and only if type is WooCommerce"
// +kubebuilder:validation:XValidation:rule="self.type != 'WooCommerce' || self.mode == 'Consolidated'",message="mode must be Consolidated where type is WooCommerce, which has one quantity for each product"
// +kubebuilder:validation:XValidation:rule="(self.type == 'AdobeCommerce') == has(self.adobeCommerce)",message="adobeCommerce must be set if and only if type is AdobeCommerce"
// +kubebuilder:validation:XValidation:rule="!has(self.adobeCommerce) || (self.mode == 'Consolidated') == has(self.adobeCommerce.source)",message="adobeCommerce.source must be set if and only if mode is Consolidated"
// +kubebuilder:validation:XValidation:rule="(self.type == 'CloudEvents') == has(self.cloudEvents)",message="cloudEvents must be set if and only if type is CloudEvents"
// +kubebuilder:validation:XValidation:rule="(self.type == 'ERPNext') == has(self.erpNext)",message="erpNext must be set if and only if type is ERPNext"
// +kubebuilder:validation:XValidation:rule="!has(self.erpNext) || self.mode != 'Consolidated' || has(self.erpNext.warehouse)",message="erpNext.warehouse must be set where mode is Consolidated"
// +kubebuilder:validation:XValidation:rule="(self.type == 'Tryton') == has(self.tryton)",message="tryton must be set if and only if type is Tryton"
// +kubebuilder:validation:XValidation:rule="!has(self.tryton) || has(self.tryton.location) == (self.mode == 'Consolidated')",message="tryton.location must be set if and only if mode is Consolidated"
// +kubebuilder:validation:XValidation:rule="(self.type == 'Vendure') == has(self.vendure)",message="vendure must be set if and only if type is Vendure"
// +kubebuilder:validation:XValidation:rule="(self.type == 'Amazon') == has(self.amazon)",message="amazon must be set if and only if type is Amazon"
// +kubebuilder:validation:XValidation:rule="(self.type == 'Medusa') == has(self.medusa)",message="medusa must be set if and only if type is Medusa"
// +kubebuilder:validation:XValidation:rule="!has(self.medusa) || has(self.medusa.locationId) == (self.mode == 'Consolidated')",message="medusa.locationId must be set if and only if mode is Consolidated"
// +kubebuilder:validation:XValidation:rule="(self.type == 'Odoo') == has(self.odoo)",message="odoo must be set if and only if type is Odoo"
// +kubebuilder:validation:XValidation:rule="!has(self.odoo) || has(self.odoo.location) == (self.mode == 'Consolidated')",message="odoo.location must be set if and only if mode is Consolidated"
// +kubebuilder:validation:XValidation:rule="(self.type == 'EBay') == has(self.ebay)",message="ebay must be set if and only if type is EBay"
// +kubebuilder:validation:XValidation:rule="(self.type == 'Walmart') == has(self.walmart)",message="walmart must be set if and only if type is Walmart"
type ChannelSpec struct {
	// clientRef names the Client whose stock this channel sells. It cannot change.
	// +required
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="clientRef is immutable"
	ClientRef NameRef `json:"clientRef,omitempty,omitzero"`

	// type selects the connector; the field of the same name configures it. It cannot change.
	// +required
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="type is immutable"
	Type ChannelType `json:"type,omitempty"`

	// omni configures a channel of type Omni.
	// +optional
	Omni *OmniChannel `json:"omni,omitempty"`

	// shopify configures a channel of type Shopify.
	// +optional
	Shopify *ShopifyChannel `json:"shopify,omitempty"`

	// wooCommerce configures a channel of type WooCommerce.
	// +optional
	WooCommerce *WooCommerceChannel `json:"wooCommerce,omitempty"`

	// adobeCommerce configures a channel of type AdobeCommerce.
	// +optional
	AdobeCommerce *AdobeCommerceChannel `json:"adobeCommerce,omitempty"`

	// cloudEvents configures a channel of type CloudEvents.
	// +optional
	CloudEvents *CloudEventsChannel `json:"cloudEvents,omitempty"`

	// erpNext configures a channel of type ERPNext.
	// +optional
	ERPNext *ERPNextChannel `json:"erpNext,omitempty"`

	// tryton configures a channel of type Tryton.
	// +optional
	Tryton *TrytonChannel `json:"tryton,omitempty"`

	// vendure configures a channel of type Vendure.
	// +optional
	Vendure *VendureChannel `json:"vendure,omitempty"`

	// amazon configures a channel of type Amazon.
	// +optional
	Amazon *AmazonChannel `json:"amazon,omitempty"`

	// medusa configures a channel of type Medusa.
	// +optional
	Medusa *MedusaChannel `json:"medusa,omitempty"`

	// odoo configures a channel of type Odoo.
	// +optional
	Odoo *OdooChannel `json:"odoo,omitempty"`

	// ebay configures a channel of type EBay.
	// +optional
	EBay *EBayChannel `json:"ebay,omitempty"`

	// walmart configures a channel of type Walmart.
	// +optional
	Walmart *WalmartChannel `json:"walmart,omitempty"`

	// mode is LocationWise or Consolidated.
	// +optional
	// +default="LocationWise"
	Mode ChannelMode `json:"mode,omitempty"`

	// locationSelector selects the Client's Locations that the channel sells from; all of them
	// unless set. A location that is no longer selected is withdrawn: its quantities are pushed
	// as zero.
	// +optional
	LocationSelector *metav1.LabelSelector `json:"locationSelector,omitempty"`

	// skuMapping says what the channel calls a SKU; the same as Tallyman unless set.
	// +optional
	SKUMapping *SKUMapping `json:"skuMapping,omitempty"`

	// locationMapping says what the channel calls a location, by its code; the same as Tallyman
	// where a code is not listed.
	// +optional
	// +listType=map
	// +listMapKey=code
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:XValidation:rule="self.all(a, self.exists_one(b, a.channelCode == b.channelCode))",message="locationMapping must not give two locations the same channelCode"
	LocationMapping []LocationMapping `json:"locationMapping,omitempty"`

	// exposure says how much of the stock the channel is shown; all of it unless set.
	// +optional
	Exposure *Exposure `json:"exposure,omitempty"`

	// compare reads the channel back now and then, and repairs what differs; never unless set.
	// +optional
	Compare *ChannelCompare `json:"compare,omitempty"`

	// poolIds are the inventory pools that the channel sells from, summed; only the common
	// pool, 0, unless set.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:Minimum=0
	PoolIDs []int64 `json:"poolIds,omitempty"`

	// credentialsSecretRef names the Secret that the connector reads its credentials from;
	// which keys it needs is on the connector's page.
	// +optional
	CredentialsSecretRef *NameRef `json:"credentialsSecretRef,omitempty"`

	// rateLimit bounds the calls to the channel.
	// +optional
	RateLimit *ChannelRateLimit `json:"rateLimit,omitempty"`

	// batchSize is the most SKUs in one call; the connector's documented limit unless set.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=25000
	BatchSize int32 `json:"batchSize,omitempty"`

	// timeout bounds one call. 45s unless set.
	// +optional
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('10ms') && duration(self) <= duration('10m')",message="timeout must be between 10ms and 10m"
	Timeout *metav1.Duration `json:"timeout,omitempty"`

	// maxAttempts is how often a SKU is pushed that the channel fails without a verdict; then
	// it is parked as Failed. Calls that fail as a whole are repeated for ever. 5 unless set.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	MaxAttempts int32 `json:"maxAttempts,omitempty"`

	// probeInterval is how often credentials and reachability are checked. 5m unless set.
	// +optional
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s') && duration(self) <= duration('24h')",message="probeInterval must be between 1s and 24h"
	ProbeInterval *metav1.Duration `json:"probeInterval,omitempty"`

	// transport says how the channel is reached.
	// +optional
	Transport *ChannelTransport `json:"transport,omitempty"`

	// jobs says how long the records of finished runs are kept.
	// +optional
	Jobs *JobHistory `json:"jobs,omitempty"`

	// suspend stops all calls to the channel while it is true. What changes meanwhile is pushed
	// when it is lifted.
	// +optional
	Suspend *bool `json:"suspend,omitempty"`
}

// ChannelRateLimit is a token bucket of calls, shared by all jobs of the channel.
type ChannelRateLimit struct {
	// requestsPerMinute is the steady rate.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	RequestsPerMinute int32 `json:"requestsPerMinute,omitempty"`

	// burst is the depth of the bucket. 1 unless set.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	Burst int32 `json:"burst,omitempty"`
}

// DriftRepair says which differences are repaired.
// +kubebuilder:validation:Enum=All;TooMuch;None
type DriftRepair string

const (
	// RepairAll repairs every difference.
	RepairAll DriftRepair = "All"
	// RepairTooMuch repairs only what could be oversold.
	RepairTooMuch DriftRepair = "TooMuch"
	// RepairNone repairs nothing.
	RepairNone DriftRepair = "None"
)

// ChannelCompare says how the channel is read back, and how drift is repaired: what somebody else has changed there.
type ChannelCompare struct {
	// interval is the time from one comparison to the next.
	// +required
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1m') && duration(self) <= duration('720h')",message="interval must be between 1m and 720h"
	Interval *metav1.Duration `json:"interval,omitempty"`

	// repair says which differences are repaired: All; TooMuch, where the channel has more than it
	// should, as what it has less may have been sold there a moment ago; None, to be told of them only.
	// All unless set.
	// +optional
	Repair DriftRepair `json:"repair,omitempty"`

	// repairsPerMinute bounds how many differing SKUs are pushed again. 600 unless set.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	RepairsPerMinute int32 `json:"repairsPerMinute,omitempty"`
}

// ChannelTransport says how a channel is reached.
// +kubebuilder:validation:MinProperties=1
type ChannelTransport struct {
	// proxyUrl is an HTTP, HTTPS or SOCKS5 proxy. The environment's proxy is never used.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() in ['http', 'https', 'socks5']",message="proxyUrl must be an http, https or socks5 URL"
	ProxyURL string `json:"proxyUrl,omitempty"`

	// tlsSecretRef names a Secret with ca.crt (trusted instead of the system's roots), tls.crt
	// and tls.key (client certificate), each optional.
	// +optional
	TLSSecretRef *NameRef `json:"tlsSecretRef,omitempty"`
}

// JobHistory bounds the finished ChannelSyncJobs of a channel.
// +kubebuilder:validation:MinProperties=1
type JobHistory struct {
	// successfulLimit is how many fully successful jobs are kept. 5 unless set.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000
	SuccessfulLimit *int32 `json:"successfulLimit,omitempty"`

	// failedLimit is how many jobs with a failure are kept. 5 unless set.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000
	FailedLimit *int32 `json:"failedLimit,omitempty"`

	// ttlSecondsAfterFinished is how long a finished job is kept at the most. 3600 unless set.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2592000
	TTLSecondsAfterFinished *int32 `json:"ttlSecondsAfterFinished,omitempty"`
}

const (
	// MaxEpochs is how many epochs the status of a Channel lists.
	MaxEpochs = 32
	// MaxEpochLocations is how many Locations an epoch names; one that concerns more concerns all.
	MaxEpochLocations = 16
)

// ChannelEpoch is a configuration that a channel is pushed under: what decides its quantities and where they go.
type ChannelEpoch struct {
	// number grows from epoch to epoch, and is never used twice: it is the Channel's resourceVersion when
	// the epoch began.
	// +required
	// +kubebuilder:validation:Minimum=1
	Number int64 `json:"number,omitempty"`

	// digest identifies the configuration.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Digest string `json:"digest,omitempty"`

	// locations names those whose stock is shown differently than in the epoch before; absent where
	// everything may be.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=63
	Locations []string `json:"locations,omitempty"`
}

// ChannelStatus is how the channel fares.
// +kubebuilder:validation:MinProperties=1
type ChannelStatus struct {
	// conditions of the channel: Ready is True while credentials work, the channel answers and nothing is suspended.
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

	// epochs are the last configurations that the channel was pushed under, the newest last. Each is
	// stored before the first push under it, so that a restart knows which quantities were told under an
	// earlier one.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	Epochs []ChannelEpoch `json:"epochs,omitempty"`

	// locations names the Locations whose stock the channel may show: those that it sells from, and
	// those that are being withdrawn.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=4096
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=63
	Locations []string `json:"locations,omitempty"`

	// pendingCount is the number of SKUs (for each location, if LocationWise) that wait for a push or a retry.
	// +optional
	// +kubebuilder:validation:Minimum=0
	PendingCount *int32 `json:"pendingCount,omitempty"`

	// failedCount is the number of SKUs that the channel refused.
	// +optional
	// +kubebuilder:validation:Minimum=0
	FailedCount *int32 `json:"failedCount,omitempty"`

	// lastSyncTime is when the channel last confirmed a quantity.
	// +optional
	LastSyncTime *metav1.Time `json:"lastSyncTime,omitempty"`

	// nextAttemptTime is when the channel is called again after a call that failed as a whole.
	// +optional
	NextAttemptTime *metav1.Time `json:"nextAttemptTime,omitempty"`

	// lastCompareTime is when the last complete comparison of spec.compare began.
	// +optional
	LastCompareTime *metav1.Time `json:"lastCompareTime,omitempty"`

	// lastCompareDifferences is how many SKUs (for each location, if LocationWise) that comparison
	// found to differ.
	// +optional
	// +kubebuilder:validation:Minimum=0
	LastCompareDifferences *int32 `json:"lastCompareDifferences,omitempty"`

	// consecutiveFailures counts the calls that failed as a whole since the last success.
	// +optional
	// +kubebuilder:validation:Minimum=0
	ConsecutiveFailures *int32 `json:"consecutiveFailures,omitempty"`
}

// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=tmch,categories=tallyman;tallyman-all
// +kubebuilder:printcolumn:name="Type",type=string,JSONPath=`.spec.type`
// +kubebuilder:printcolumn:name="Mode",type=string,JSONPath=`.spec.mode`
// +kubebuilder:printcolumn:name="Pending",type=integer,JSONPath=`.status.pendingCount`
// +kubebuilder:printcolumn:name="Failed",type=integer,JSONPath=`.status.failedCount`
// +kubebuilder:printcolumn:name="Last Sync",type=date,JSONPath=`.status.lastSyncTime`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Status",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`

// Channel is a marketplace, webshop or ERP that is kept in step.
type Channel struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty,omitzero"`

	// spec declares the channel.
	// +required
	Spec ChannelSpec `json:"spec,omitempty,omitzero"`

	// status is written by controllers.
	// +optional
	// +default={"observedGeneration":-1}
	Status ChannelStatus `json:"status,omitempty,omitzero"`
}

// +kubebuilder:object:root=true

// ChannelList is a list of Channels.
type ChannelList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Channel `json:"items"`
}
