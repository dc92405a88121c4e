package ebay

import (
	"context"
	"maps"
	"net/http"

	"k8s.io/apimachinery/pkg/util/sets"

	"tallyman.dev/tallyman/controllers/channel"
)

type updateRequest struct {
	Requests []update `json:"requests"`
}

type updateAnswer struct {
	Responses []updateRow `json:"responses"`
}

// updateRow is the outcome of an item, or of an offer where that is named.
type updateRow struct {
	SKU        string  `json:"sku"`
	OfferID    string  `json:"offerId"`
	StatusCode int     `json:"statusCode"`
	Errors     []fault `json:"errors"`
}

func (r updateRow) failed() bool { return !isSuccess(r.StatusCode) || len(r.Errors) > 0 }

// update makes changes, and returns why SKUs are not changed. Where eBay refuses the call as a whole,
// each SKU is sent alone: it does not say which is to blame, and one page of its documentation allows
// only one SKU in a call.
func (c *connector) update(ctx context.Context, all []update) (map[string]*channel.Error, error) {
	failures := map[string]*channel.Error{}
	if len(all) == 0 {
		return failures, nil
	}
	var answer updateAnswer
	err := c.call(ctx, http.MethodPost, inventoryPath+"/bulk_update_price_quantity", updateRequest{all}, &answer)
	switch refused := refusalOf(err); {
	case err == nil:
		for _, u := range all {
			if e := c.changeError(u, answer.Responses); e != nil {
				failures[u.SKU] = e
			}
		}
		return failures, nil
	case refused == nil:
		return nil, err
	case len(all) == 1:
		failures[all[0].SKU] = c.blame(all[0], refused.status, refused.faults)
		return failures, nil
	}
	for i := range all {
		one, err := c.update(ctx, all[i:i+1])
		if err != nil {
			return nil, err
		}
		maps.Copy(failures, one)
	}
	return failures, nil
}

// changeError says why a change is not confirmed, nil if it is, in the rows of an answer: each offer has one, an item only
// where it has no offer.
func (c *connector) changeError(u update, rows []updateRow) *channel.Error {
	open := sets.New[string]()
	for _, o := range u.Offers {
		open.Insert(o.ID)
	}
	answered := false
	for _, row := range rows {
		if row.SKU != u.SKU && !open.Has(row.OfferID) {
			continue
		}
		if row.failed() {
			return c.blame(u, row.StatusCode, row.Errors)
		}
		answered = true
		open.Delete(row.OfferID)
	}
	if !answered || len(open) > 0 {
		return channel.NotConfirmed("eBay confirms the SKU, or one of its offers, neither as changed nor as failed")
	}
	return nil
}

// blame is skuError, with a hint where eBay refuses to end a listing's stock.
func (c *connector) blame(u update, status int, faults []fault) *channel.Error {
	e := c.skuError(status, faults)
	if e.Reason == "InvalidQuantity" && u.Availability.Quantity == 0 {
		return e.WithReason(reasonZeroRefused).
			WithMessage("turn on the out-of-stock option of the eBay account, or a listing that is sold out cannot be kept: " + e.Message)
	}
	return e
}
