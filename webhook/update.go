package webhook

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
)

// productsAnswer answers an object payload of PUT /usp/inventories/absolute.
type productsAnswer struct {
	FailureProducts []string  `json:"failureProducts"`
	SuccessProducts []string  `json:"successProducts"`
	Failures        []failure `json:"failures"`
}

// skusAnswer answers an array payload.
type skusAnswer struct {
	FailureSKUs []string  `json:"failureSkus"`
	SuccessSKUs []string  `json:"successSkus"`
	Failures    []failure `json:"failures"`
}

// listsAnswer answers PUT /updateInventories.
type listsAnswer struct {
	FailureList []string  `json:"failureList"`
	SuccessList []string  `json:"successList"`
	Failures    []failure `json:"failures"`
}

// putAbsolute is PUT /usp/inventories/absolute.
func (s *Server) putAbsolute(r *http.Request, who principal, body []byte) (any, error) {
	p, bad := decodeAbsolute(body, s.opts.MaxBatchSKUs)
	if bad != nil {
		return nil, bad
	}
	build := s.resolveObject
	if p.array {
		build = s.resolveArray
	}
	b, err := build(r.Context(), who, p)
	if err != nil {
		return nil, err
	}
	if err := s.accept(r, b, body); err != nil {
		return nil, err
	}
	succeeded, failed, failures := b.report()
	if p.array {
		return skusAnswer{failed, succeeded, failures}, nil
	}
	return productsAnswer{failed, succeeded, failures}, nil
}

// accept stores a batch.
func (s *Server) accept(r *http.Request, b *batch, body []byte) error {
	if err := b.name(r.Header.Get("Idempotency-Key"), body); err != nil {
		return err
	}
	if err := b.store(r.Context(), s.opts.Writer); err != nil {
		return err
	}
	succeeded, failed, _ := b.report()
	skusAccepted.Add(float64(len(succeeded)))
	skusFailed.Add(float64(len(failed)))
	return nil
}

// resolveObject finds the one location of an object payload.
func (s *Server) resolveObject(ctx context.Context, who principal, p *payload) (*batch, error) {
	location, err := s.resolver.byCode(ctx, who, p.locationCode)
	if err != nil {
		return nil, err
	}
	if location == nil {
		return nil, refuse(http.StatusNotFound, codeUnknownLocation, "locationCode: %q is not a location of yours", clip(p.locationCode))
	}
	b := newBatchBuilder(requestID(ctx))
	for _, l := range p.lines {
		b.add(l, &target{location, l.pool}, who.owner(location))
	}
	return b.batch(), nil
}

// resolveArray finds the location of each item.
func (s *Server) resolveArray(ctx context.Context, who principal, p *payload) (*batch, error) {
	b := newBatchBuilder(requestID(ctx))
	for i, l := range p.lines {
		if l.clientID < 1 || l.locationID < 1 || l.pool < 0 { // the line has failed already
			b.add(l, nil, nil)
			continue
		}
		location, err := s.resolver.byNumber(ctx, who, &l)
		if err != nil {
			return nil, err
		}
		if location == nil {
			l.fail(codeUnknownLocation, "[%d].fulfillmentLocationId: %d is not a location of client %d", i, l.locationID, l.clientID)
			b.add(l, nil, nil)
			continue
		}
		b.add(l, &target{location, l.pool}, who.owner(location))
	}
	return b.batch(), nil
}

type storesPayload struct {
	Inventories []json.RawMessage `json:"inventories"`
}

// putStores is PUT /updateInventories: each item names its location.
func (s *Server) putStores(r *http.Request, who principal, body []byte) (any, error) {
	var in storesPayload
	if err := unmarshal(lenient(body), &in); err != nil {
		return nil, err
	}
	if err := checkCount("inventories", len(in.Inventories), s.opts.MaxBatchSKUs); err != nil {
		return nil, err
	}
	b := newBatchBuilder(requestID(r.Context()))
	for i, raw := range in.Inventories {
		if err := s.addStoreItem(r.Context(), who, b, raw, path{list: "inventories", index: i}); err != nil {
			return nil, err
		}
	}
	if err := s.accept(r, b.batch(), body); err != nil {
		return nil, err
	}
	succeeded, failed, failures := b.batch().report()
	return listsAnswer{failed, succeeded, failures}, nil
}

func (s *Server) addStoreItem(ctx context.Context, who principal, b *batchBuilder, raw json.RawMessage, at path) error {
	var l line
	var code, sku, quantity string
	if !l.readItem(raw, at, field{"locationCode", &code}, field{"channelSkuCode", &sku}, field{"quantity", &quantity}) {
		b.add(l, nil, nil)
		return nil
	}
	l.readSKU(sku, at.of("channelSkuCode"))
	l.readQuantity(quantity, at.of("quantity"))
	if l.locationCode, _ = unquote(code); strings.TrimSpace(l.locationCode) == "" {
		l.fail(codeInvalidLocation, "%s: must not be missing or empty", at.of("locationCode"))
		b.add(l, nil, nil)
		return nil
	}
	location, err := s.resolver.byCode(ctx, who, l.locationCode)
	if err != nil {
		return err
	}
	if location == nil {
		l.fail(codeUnknownLocation, "%s: %q is not a location of yours", at.of("locationCode"), clip(l.locationCode))
		b.add(l, nil, nil)
		return nil
	}
	b.add(l, &target{location, 0}, who.owner(location))
	return nil
}
