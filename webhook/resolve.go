package webhook

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// Indexes of the cache.
const (
	byCode   = "tallyman.ingress.code"
	byNumber = "tallyman.ingress.number"
)

// addIndexes adds the ingress's indexes to a cache.
func addIndexes(ctx context.Context, indexer client.FieldIndexer) error {
	err := indexer.IndexField(ctx, &inventoryv1alpha1.Location{}, byCode, func(o client.Object) []string {
		return []string{o.(*inventoryv1alpha1.Location).Spec.Code}
	})
	if err != nil {
		return fmt.Errorf("index Locations by code: %w", err)
	}
	err = indexer.IndexField(ctx, &inventoryv1alpha1.Location{}, byNumber, func(o client.Object) []string {
		if n := o.(*inventoryv1alpha1.Location).Spec.FulfillmentLocationID; n > 0 {
			return []string{strconv.FormatInt(n, 10)}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("index Locations by fulfillmentLocationId: %w", err)
	}
	return nil
}

// resolver finds the Locations that a principal may name.
type resolver struct{ reader client.Reader }

// found are the Locations that answer to a name: at most one of each of the principal's Clients.
type found struct {
	own     []*inventoryv1alpha1.Location
	foreign bool // Clients of others have such a Location
}

// find looks a value of an index up.
func (r resolver) find(ctx context.Context, who principal, index, value string) (found, error) {
	list := &inventoryv1alpha1.LocationList{}
	if err := r.reader.List(ctx, list, client.MatchingFields{index: value}); err != nil {
		return found{}, fmt.Errorf("list Locations: %w", err)
	}
	var out found
	oldest := map[*inventoryv1alpha1.Client]*inventoryv1alpha1.Location{}
	for i := range list.Items {
		l := &list.Items[i]
		if l.DeletionTimestamp != nil {
			continue // its stock is being withdrawn
		}
		owner := who.owner(l)
		if owner == nil {
			out.foreign = true
		} else if first := oldest[owner]; first == nil || older(l, first) {
			oldest[owner] = l
		}
	}
	for _, c := range who {
		if l := oldest[c]; l != nil {
			out.own = append(out.own, l)
		}
	}
	return out, nil
}

// owner returns the Client of the principal that a Location belongs to, or nil.
func (who principal) owner(l *inventoryv1alpha1.Location) *inventoryv1alpha1.Client {
	for _, c := range who {
		if c.Namespace == l.Namespace && c.Name == l.Spec.ClientRef.Name {
			return c
		}
	}
	return nil
}

// withID narrows a principal to its Clients with a clientId.
func (who principal) withID(id int64) principal {
	var out principal
	for _, c := range who {
		if c.Spec.ClientID == id {
			out = append(out, c)
		}
	}
	return out
}

// older orders Locations as their controller does: batches for a code that two of them claim go
// to the older one.
func older(a, b *inventoryv1alpha1.Location) bool {
	if a.CreationTimestamp.Equal(&b.CreationTimestamp) {
		return a.Name < b.Name
	}
	return a.CreationTimestamp.Before(&b.CreationTimestamp)
}

// byCode returns the Location with a code; nil where there is none.
func (r resolver) byCode(ctx context.Context, who principal, code string) (*inventoryv1alpha1.Location, error) {
	f, err := r.find(ctx, who, byCode, code)
	switch {
	case err != nil:
		return nil, err
	case len(f.own) > 1:
		return nil, refuse(http.StatusBadRequest, codeAmbiguous,
			"locationCode: several of your clients have a location %q: name one with the header authDomainName", clip(code))
	case len(f.own) == 1:
		return f.own[0], nil
	case f.foreign:
		return nil, refuse(http.StatusForbidden, codeForbidden, "locationCode: %q belongs to another client", clip(code))
	}
	return nil, nil //nolint:nilnil // unknown is no error in every payload
}

// byNumber returns the Location of a line of an array payload; nil where there is none.
func (r resolver) byNumber(ctx context.Context, who principal, l *line) (*inventoryv1alpha1.Location, error) {
	clients := who.withID(l.clientID)
	if len(clients) == 0 {
		return nil, refuse(http.StatusForbidden, codeForbidden, "clientId: %d is not a client of these credentials", l.clientID)
	}
	f, err := r.find(ctx, clients, byNumber, strconv.FormatInt(l.locationID, 10))
	switch {
	case err != nil:
		return nil, err
	case len(f.own) > 1:
		return nil, refuse(http.StatusBadRequest, codeAmbiguous,
			"fulfillmentLocationId: several of your clients with the clientId %d have a location %d: name one with the header authDomainName",
			l.clientID, l.locationID)
	case len(f.own) == 1:
		return f.own[0], nil
	case f.foreign && !r.ownElsewhere(ctx, who, l):
		return nil, refuse(http.StatusForbidden, codeForbidden, "fulfillmentLocationId: %d belongs to another client", l.locationID)
	}
	return nil, nil //nolint:nilnil // an unknown location fails its SKU only
}

// ownElsewhere tells whether another Client of the same principal has the location: a mistake,
// but not somebody else's.
func (r resolver) ownElsewhere(ctx context.Context, who principal, l *line) bool {
	f, err := r.find(ctx, who, byNumber, strconv.FormatInt(l.locationID, 10))
	return err == nil && len(f.own) > 0
}
