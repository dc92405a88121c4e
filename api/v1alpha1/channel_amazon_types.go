package v1alpha1

// Defaults of an AmazonChannel.
const (
	// DefaultAmazonFeedThreshold is from how many SKUs on a push is sent as a feed: patches of as
	// many take about twenty seconds at Amazon's default rate, a feed takes minutes.
	DefaultAmazonFeedThreshold int32 = 100

	// DefaultAmazonProductType fits the terms of sale, of which the quantity is one, of every listing.
	DefaultAmazonProductType = "PRODUCT"

	// DefaultAmazonLocation is what Amazon calls a seller's stock that is not divided by locations.
	DefaultAmazonLocation = "DEFAULT"
)

// AmazonRegion is a part of the world that the Selling Partner API has an endpoint for.
// +kubebuilder:validation:Enum=NA;EU;FE
type AmazonRegion string

const (
	// AmazonNorthAmerica is North America and Brazil.
	AmazonNorthAmerica AmazonRegion = "NA"
	// AmazonEurope is Europe, the Middle East, Africa and India.
	AmazonEurope AmazonRegion = "EU"
	// AmazonFarEast is Japan, Singapore and Australia.
	AmazonFarEast AmazonRegion = "FE"
)

// AmazonMethod is a way to tell Amazon quantities.
// +kubebuilder:validation:Enum=Listings;Feeds;ExternalFulfillment
type AmazonMethod string

const (
	// AmazonListings patches one listing in a call.
	AmazonListings AmazonMethod = "Listings"
	// AmazonFeeds submits large pushes as feeds, and patches the listings of small ones.
	AmazonFeeds AmazonMethod = "Feeds"
	// AmazonExternalFulfillment sets the stock of locations in the External Fulfillment network.
	AmazonExternalFulfillment AmazonMethod = "ExternalFulfillment"
)

// AmazonUnknownSKUs says what becomes of SKUs that Amazon has no listing of.
// +kubebuilder:validation:Enum=Refuse;Create
type AmazonUnknownSKUs string

const (
	// RefuseUnknownSKUs looks SKUs up, and does not push those without a listing.
	RefuseUnknownSKUs AmazonUnknownSKUs = "Refuse"
	// CreateUnknownSKUs pushes without a look.
	CreateUnknownSKUs AmazonUnknownSKUs = "Create"
)

// AmazonConfirmation says when a quantity counts as told.
// +kubebuilder:validation:Enum=Accepted;Applied
type AmazonConfirmation string

const (
	// ConfirmAccepted is content with Amazon having accepted a quantity for processing.
	ConfirmAccepted AmazonConfirmation = "Accepted"
	// ConfirmApplied waits until the listing shows it.
	ConfirmApplied AmazonConfirmation = "Applied"
)

// AmazonFulfillmentChannel is a program that External Fulfillment keeps stock of.
// +kubebuilder:validation:Enum=FBA;MFN;DF
type AmazonFulfillmentChannel string

// AmazonMarketplaceID is what the Selling Partner API calls a marketplace.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=32
// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Z0-9]+$')",message="must be capital letters and digits"
type AmazonMarketplaceID string

// AmazonDocumentOrigin is scheme, host and port of a URL; a host that begins with "*." stands for all
// hosts below it.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=255
// +kubebuilder:validation:XValidation:rule="self.matches('^https?://([*][.])?[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?$')",message="must be an origin such as https://*.example.com"
type AmazonDocumentOrigin string

// AmazonChannel configures a seller's account at Amazon, which is reached by the Selling Partner API.
// +kubebuilder:validation:XValidation:rule="!has(self.feedThreshold) || self.method == 'Feeds'",message="feedThreshold is for method Feeds only"
// +kubebuilder:validation:XValidation:rule="!has(self.documentOrigins) || self.method == 'Feeds'",message="documentOrigins is for method Feeds only"
// +kubebuilder:validation:XValidation:rule="self.method != 'ExternalFulfillment' || !has(self.productType) && !has(self.unknownSkus) && !has(self.confirm)",message="productType, unknownSkus and confirm are for listings, which method ExternalFulfillment has none of"
// +kubebuilder:validation:XValidation:rule="!has(self.fulfillmentChannel) || self.method == 'ExternalFulfillment'",message="fulfillmentChannel is for method ExternalFulfillment only"
// +kubebuilder:validation:XValidation:rule="self.method != 'ExternalFulfillment' || size(self.marketplaceIds) == 1",message="method ExternalFulfillment takes one marketplaceId"
// +kubebuilder:validation:XValidation:rule="!has(self.productType) || self.productType != 'FromListing' || !has(self.unknownSkus) || self.unknownSkus == 'Refuse'",message="productType FromListing needs unknownSkus Refuse, which looks listings up"
type AmazonChannel struct {
	// region is where the account is: NA for North America and Brazil; EU for Europe, the Middle
	// East, Africa and India; FE for Japan, Singapore and Australia.
	// +required
	Region AmazonRegion `json:"region,omitempty"`

	// sellerId is the seller's identifier, the "merchant token" of Seller Central.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9]+$')",message="sellerId must be letters and digits"
	SellerID string `json:"sellerId,omitempty"`

	// marketplaceIds are the marketplaces whose listings are told quantities.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=25
	MarketplaceIDs []AmazonMarketplaceID `json:"marketplaceIds,omitempty"`

	// method is how Amazon is told: Listings patches one listing in a call; Feeds submits pushes of
	// feedThreshold SKUs and more as one feed, and patches smaller ones; ExternalFulfillment sets the
	// stock of locations, ten in a call, with protection against calls that overtake one another.
	// +optional
	// +default="Listings"
	Method AmazonMethod `json:"method,omitempty"`

	// feedThreshold is from how many SKUs on a push is sent as a feed. 100 unless set.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	FeedThreshold int32 `json:"feedThreshold,omitempty"`

	// consolidatedLocation is what the sum is told for in Consolidated mode: a fulfillment channel
	// code, or with ExternalFulfillment a location ID. DEFAULT unless set.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	ConsolidatedLocation string `json:"consolidatedLocation,omitempty"`

	// productType is what patches say that listings are: the name of a type, or FromListing for the
	// type that Amazon says each one has. PRODUCT unless set, which fits the terms of sale of any listing.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="self.matches('^([A-Z][A-Z0-9_]*|FromListing)$')",message="productType must be the name of a type in capital letters, or FromListing"
	ProductType string `json:"productType,omitempty"`

	// unknownSkus says what becomes of SKUs that Amazon has no listing of: Refuse looks each SKU up
	// now and then, and reports those without a listing as failed; Create pushes without a look, and
	// Amazon makes an incomplete listing of what it does not know. Refuse unless set.
	// +optional
	UnknownSKUs AmazonUnknownSKUs `json:"unknownSkus,omitempty"`

	// confirm says when a quantity counts as told: Accepted, when Amazon has accepted it for
	// processing; Applied, when the listing shows it. Accepted unless set.
	// +optional
	Confirm AmazonConfirmation `json:"confirm,omitempty"`

	// fulfillmentChannel is the program whose stock is set, where several share a location: FBA, MFN
	// or DF.
	// +optional
	FulfillmentChannel AmazonFulfillmentChannel `json:"fulfillmentChannel,omitempty"`

	// endpoint is called instead of the region's own: the sandbox, a proxy.
	// +optional
	Endpoint HTTPURL `json:"endpoint,omitempty"`

	// tokenUrl gives access tokens, instead of Login with Amazon.
	// +optional
	TokenURL HTTPURL `json:"tokenUrl,omitempty"`

	// documentOrigins are where feeds are uploaded to and their reports are downloaded from. The
	// URLs come from Amazon; one of another origin is not called. Amazon S3 unless set.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	DocumentOrigins []AmazonDocumentOrigin `json:"documentOrigins,omitempty"`
}
