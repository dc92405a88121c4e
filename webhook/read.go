package webhook

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/ledger"
)

type readPayload struct {
	LocationCode    *string  `json:"locationCode"`
	ChannelSKUCodes []string `json:"channelSkuCodes"`
}

// readAnswer answers POST /inventories.
type readAnswer struct {
	LocationCode string      `json:"locationCode"`
	Inventories  []inventory `json:"inventories"`
	// FailureList are the SKUs that the location has never had.
	FailureList []string `json:"failureList"`
}

type inventory struct {
	ChannelSKUCode string         `json:"channelSkuCode"`
	Quantity       int64          `json:"quantity"` // over all pools
	Pools          []poolQuantity `json:"pools"`
	Channels       []channelState `json:"channels"`
}

type poolQuantity struct {
	InventoryPoolID int64                      `json:"inventoryPoolId"`
	Quantity        inventoryv1alpha1.Quantity `json:"quantity"`
}

type channelState struct {
	Channel         string                      `json:"channel"`
	State           inventoryv1alpha1.SyncState `json:"state"`
	Reason          string                      `json:"reason,omitempty"`
	Message         string                      `json:"message,omitempty"`
	Attempts        int32                       `json:"attempts,omitempty"`
	NextAttemptTime *time.Time                  `json:"nextAttemptTime,omitempty"`
	// ShownQuantity is what the channel is to be told; nil where it is not told of the SKU, or that is not known.
	// ExposureRule is what made it less than there is.
	ShownQuantity *int64 `json:"shownQuantity,omitempty"`
	ExposureRule  string `json:"exposureRule,omitempty"`
}

// searchAnswer answers POST /inventories/search-sku.
type searchAnswer struct {
	SuccessList []skuStock `json:"successList"`
	// FailureList are the SKUs that no location has ever had.
	FailureList []string `json:"failureList"`
}

type skuStock struct {
	ChannelSKUCode string          `json:"channelSkuCode"`
	TotalQuantity  int64           `json:"totalQuantity"`
	Inventories    []locationStock `json:"inventories"`
}

type locationStock struct {
	Quantity     int64                          `json:"quantity"`
	LocationCode string                         `json:"locationCode"`
	LocationType inventoryv1alpha1.LocationType `json:"locationType"`
}

// decodeRead reads the payload of both reads.
func (s *Server) decodeRead(body []byte) (*readPayload, *apiError) {
	in := &readPayload{}
	if err := unmarshal(lenient(body), in); err != nil {
		return nil, err
	}
	if err := checkCount("channelSkuCodes", len(in.ChannelSKUCodes), s.opts.MaxBatchSKUs); err != nil {
		return nil, err
	}
	if !s.opts.Inventory.Synced() {
		return nil, refuse(http.StatusServiceUnavailable, codeStillLoading, "present quantities are still being loaded: ask again").after(unavailableRetryAfter)
	}
	return in, nil
}

// readInventories is POST /inventories.
func (s *Server) readInventories(r *http.Request, who principal, body []byte) (any, error) {
	in, bad := s.decodeRead(body)
	if bad != nil {
		return nil, bad
	}
	if in.LocationCode == nil || strings.TrimSpace(*in.LocationCode) == "" {
		return nil, refuse(http.StatusBadRequest, codeBadData, "locationCode: must not be missing or empty")
	}
	location, err := s.resolver.byCode(r.Context(), who, *in.LocationCode)
	if err != nil {
		return nil, err
	}
	if location == nil {
		return nil, refuse(http.StatusNotFound, codeUnknownLocation, "locationCode: %q is not a location of yours", clip(*in.LocationCode))
	}
	channels, err := s.channelsOf(r.Context(), location.Namespace, location.Spec.ClientRef.Name)
	if err != nil {
		return nil, err
	}
	out := readAnswer{LocationCode: *in.LocationCode, Inventories: []inventory{}, FailureList: []string{}}
	for _, sku := range in.ChannelSKUCodes {
		view, known := s.opts.Inventory.Lookup(location.Namespace, location.Name, sku)
		if !known {
			out.FailureList = append(out.FailureList, sku)
			continue
		}
		found := describe(sku, view)
		for i := range found.Channels {
			found.Channels[i].show(channels[found.Channels[i].Channel], location.Name, sku)
		}
		out.Inventories = append(out.Inventories, found)
	}
	return out, nil
}

func describe(sku string, view ledger.View) inventory {
	out := inventory{ChannelSKUCode: sku, Quantity: view.Total(), Pools: []poolQuantity{}, Channels: []channelState{}}
	for _, p := range view.Pools {
		out.Pools = append(out.Pools, poolQuantity{p.PoolID, p.Quantity})
	}
	for _, c := range view.Channels {
		out.Channels = append(out.Channels, channelState{
			Channel: c.Channel, State: c.State, Reason: c.Reason, Message: c.Message,
			Attempts: c.Attempts, NextAttemptTime: c.NextAttemptTime,
		})
	}
	return out
}

// show adds what the channel is to be told; nothing where that is not known.
func (c *channelState) show(by *shownBy, locationName, sku string) {
	if by == nil {
		return
	}
	shown, told := by.quantity(locationName, sku)
	if c.ExposureRule = shown.Rule; told {
		c.ShownQuantity = &shown.Quantity
	}
}

// searchSKU is POST /inventories/search-sku.
func (s *Server) searchSKU(r *http.Request, who principal, body []byte) (any, error) {
	in, bad := s.decodeRead(body)
	if bad != nil {
		return nil, bad
	}
	var locations []inventoryv1alpha1.Location
	for _, c := range who {
		list := &inventoryv1alpha1.LocationList{}
		if err := s.opts.Reader.List(r.Context(), list, client.InNamespace(c.Namespace)); err != nil {
			return nil, fmt.Errorf("list Locations: %w", err)
		}
		for i := range list.Items {
			if list.Items[i].Spec.ClientRef.Name == c.Name && list.Items[i].DeletionTimestamp == nil {
				locations = append(locations, list.Items[i])
			}
		}
	}
	out := searchAnswer{SuccessList: []skuStock{}, FailureList: []string{}}
	for _, sku := range in.ChannelSKUCodes {
		if stock := s.stock(locations, sku); len(stock.Inventories) > 0 {
			out.SuccessList = append(out.SuccessList, stock)
		} else {
			out.FailureList = append(out.FailureList, sku)
		}
	}
	return out, nil
}

// stock collects what locations have of a SKU.
func (s *Server) stock(locations []inventoryv1alpha1.Location, sku string) skuStock {
	out := skuStock{ChannelSKUCode: sku}
	for i := range locations {
		l := &locations[i]
		view, known := s.opts.Inventory.Lookup(l.Namespace, l.Name, sku)
		if !known {
			continue
		}
		out.TotalQuantity += view.Total()
		out.Inventories = append(out.Inventories, locationStock{view.Total(), l.Spec.Code, l.Spec.Type})
	}
	return out
}
