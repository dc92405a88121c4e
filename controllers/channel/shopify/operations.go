package shopify

import (
	_ "embed" // for the operations
	"encoding/json"
	"net/url"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

var (
	//go:embed operations/access.graphql
	accessQuery string
	//go:embed operations/items.graphql
	itemsQuery string
	//go:embed operations/levels.graphql
	levelsQuery string
	//go:embed operations/locations.graphql
	locationsQuery string
	//go:embed operations/set_unkeyed.graphql
	setUnkeyed string
	//go:embed operations/set_keyed.graphql
	setKeyed string
	//go:embed operations/activate_unkeyed.graphql
	activateUnkeyed string
	//go:embed operations/activate_keyed.graphql
	activateKeyed string
)

// keyedSince is the version from which mutations of inventory need a key by the directive @idempotent,
// and each quantity must say what it replaces.
const keyedSince inventoryv1alpha1.ShopifyAPIVersion = "2026-04"

// dialect is how a version of the API wants mutations.
type dialect struct {
	set, activate string
	keyed         bool
}

func dialectOf(version inventoryv1alpha1.ShopifyAPIVersion) dialect {
	if version < keyedSince {
		return dialect{set: setUnkeyed, activate: activateUnkeyed}
	}
	return dialect{set: setKeyed, activate: activateKeyed, keyed: true}
}

// reason is shown in the shop's inventory history, one of the reasons that Shopify lists.
const reason = "correction"

type setVariables struct {
	Input setInput `json:"input"`
	Key   string   `json:"key,omitempty"`
}

type setInput struct {
	Name                 inventoryv1alpha1.ShopifyQuantityName `json:"name"`
	Reason               string                                `json:"reason"`
	ReferenceDocumentURI string                                `json:"referenceDocumentUri"`
	Quantities           []quantityInput                       `json:"quantities"`
	// IgnoreCompareQuantity says for a version before 2026-04 what unchecked says from there.
	IgnoreCompareQuantity bool `json:"ignoreCompareQuantity,omitempty"`
}

type quantityInput struct {
	InventoryItemID string `json:"inventoryItemId"`
	LocationID      string `json:"locationId"`
	Quantity        int64  `json:"quantity"`
	// ChangeFromQuantity is what the quantity replaces. A version that knows it wants it to be there.
	ChangeFromQuantity json.RawMessage `json:"changeFromQuantity,omitempty"`
}

// unchecked sets a quantity whatever it replaces: a sale in the shop changes that at any moment, and must
// not keep the stock from being set.
var unchecked = json.RawMessage("null")

// input returns the argument that sets rows; reference leads from the shop's inventory history to the push.
func (c *connector) input(rows []row, reference string) setInput {
	in := setInput{
		Name: c.spec.QuantityName, Reason: reason, IgnoreCompareQuantity: !c.dialect.keyed,
		ReferenceDocumentURI: "gid://tallyman/Push/" + url.PathEscape(reference),
		Quantities:           make([]quantityInput, len(rows)),
	}
	for i, r := range rows {
		in.Quantities[i] = quantityInput{InventoryItemID: r.Found.id, LocationID: r.Location, Quantity: r.Quantity}
		if c.dialect.keyed {
			in.Quantities[i].ChangeFromQuantity = unchecked
		}
	}
	return in
}

type activateVariables struct {
	Item     string `json:"item"`
	Location string `json:"location"`
	Key      string `json:"key,omitempty"`
}

type searchVariables struct {
	Query string `json:"query"`
	After string `json:"after,omitempty"`
}

type pageVariables struct {
	After string `json:"after,omitempty"`
}

type levelsVariables struct {
	IDs      []string                                `json:"ids"`
	Location string                                  `json:"location"`
	Names    []inventoryv1alpha1.ShopifyQuantityName `json:"names"`
}
