package woocommerce

import (
	"cmp"
	"fmt"
	"net/http"

	"tallyman.dev/tallyman/controllers/channel"
)

// echo is what became of one update: the product, or an error.
type echo struct {
	ID  int64  `json:"id"`
	SKU string `json:"sku"`
	stock
	Error *failure `json:"error"`
}

// answerFields are those of one echo that are wanted. WordPress filters an answer by paths, in which
// the index of a list stands like a name.
func answerFields(i int) []string {
	out := []string{"id", "sku", "manage_stock", "stock_quantity", "error"}
	for j, name := range out {
		out[j] = fmt.Sprintf("update.%d.%s", i, name)
	}
	return out
}

// echoes reads the answer to a call, by the identifier of the product.
func (c *connector) echoes(answer *channel.Response) (map[int64]*echo, error) {
	var in struct {
		Update *[]echo `json:"update"`
	}
	if err := c.http.Decode(answer, &in); err != nil {
		return nil, err
	}
	if in.Update == nil {
		return nil, channel.InvalidAnswer("the answer has no list of updates")
	}
	out := make(map[int64]*echo, len(*in.Update))
	for i := range *in.Update {
		e := &(*in.Update)[i]
		if e.Error != nil { // before the text is cut, which would leave halves of credentials
			e.Error.Message = c.http.Redact(e.Error.Message)
		}
		out[e.ID] = e
	}
	return out, nil
}

// unconfirmed says why an item is not confirmed; nil if it is. There may be no echo.
func (e *echo) unconfirmed(item channel.Item) *channel.Error {
	switch {
	case e == nil:
		return channel.NotConfirmed("the answer says nothing of the product")
	case e.Error != nil:
		return e.Error.ofItem()
	case e.SKU != item.SKU:
		return channel.NewError(channel.Unconfirmed, reasonRenamedSKU, fmt.Sprintf(
			"the product has SKU %q by now, and got the quantity of %q", e.SKU, item.SKU))
	case !e.counted():
		return channel.NewError(channel.Unmapped, channel.ReasonStockNotManaged,
			"the shop drops the quantity: the product is grouped or external, or the shop keeps no stock at all")
	case !e.StockQuantity.Is(item.Quantity):
		return channel.NewError(channel.Unconfirmed, channel.ReasonNotApplied, fmt.Sprintf("the shop was told %d, and has another quantity", item.Quantity))
	}
	return nil
}

// outdated reports whether the product is not what the SKU stands for any more.
func (e *echo) outdated(item channel.Item) bool {
	return e != nil && (e.Error != nil && e.Error.gone() || e.Error == nil && e.SKU != item.SKU)
}

// gone reports whether a product was not found, or is no longer what it was.
func (f *failure) gone() bool {
	switch f.Code {
	case "woocommerce_rest_product_invalid_id", "woocommerce_rest_product_variation_invalid_id",
		"woocommerce_rest_invalid_product_id", "woocommerce_rest_invalid_product_variation_id":
		return true
	}
	return false
}

// ofItem says what the error of one product means.
func (f *failure) ofItem() *channel.Error {
	message := f.Code + ": " + cmp.Or(f.Message, "no message")
	switch {
	case f.gone():
		return channel.NewError(channel.Unconfirmed, reasonProductGone, message) // the SKU is looked up again
	case f.Data.Status >= http.StatusBadRequest && f.Data.Status < http.StatusInternalServerError:
		return channel.NewError(channel.Rejected, channel.ReasonRefusedByChannel, message)
	}
	return channel.NewError(channel.Unconfirmed, channel.ReasonRefusedByChannel, message)
}
