package woocommerce

import (
	"encoding/json"

	"tallyman.dev/tallyman/controllers/channel"
)

// stock is what a product says of its quantity.
type stock struct {
	// ManageStock is true where the product has a quantity of its own, false where nobody counts it, and
	// "parent" where a variation sells from the quantity of its parent.
	ManageStock   json.RawMessage  `json:"manage_stock"`
	StockQuantity channel.Quantity `json:"stock_quantity"`
	StockStatus   string           `json:"stock_status"`
}

// counted reports whether the product has a quantity of its own.
func (s stock) counted() bool { return string(s.ManageStock) == "true" }

// sells returns how much the product sells. One without a quantity of its own sells what it likes, until
// somebody sets it to out of stock.
func (s stock) sells() int64 {
	switch {
	case s.counted() && s.StockQuantity.Known:
		return s.StockQuantity.Units
	case s.StockStatus == "outofstock":
		return 0
	default:
		return unbounded
	}
}
