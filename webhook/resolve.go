package webhook

import (
	"context"
	"fmt"
	"net/http"

	ctrlcache "sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// directory is the Locations of all Clients, without those that are being deleted: their stock is being withdrawn.
type directory struct {
	byCode   map[string][]*inventoryv1alpha1.Location
	byNumber map[int64][]*inventoryv1alpha1.Location // those that have a fulfillmentLocationId
}

// resolver finds the Locations that a principal may name.
type resolver struct {
	reader client.Reader
	derived[directory]
}

func newResolver(reader client.Reader) *resolver {
	r := &resolver{reader: reader}
	r.compute = r.build
	return r
}

// follow has the directory made anew after every change that matters to it.
func (r *resolver) follow(ctx context.Context, informers ctrlcache.Informers) error {
	return r.watch(ctx, informers, &inventoryv1alpha1.Location{}, specUpdate)
}

func (r *resolver) build(ctx context.Context) (directory, error) {
	list := &inventoryv1alpha1.LocationList{}
	if err := r.reader.List(ctx, list); err != nil {
		return directory{}, fmt.Errorf("list Locations: %w", err)
	}
	out := directory{map[string][]*inventoryv1alpha1.Location{}, map[int64][]*inventoryv1alpha1.Location{}}
	for i := range list.Items {
		l := &list.Items[i]
		if l.DeletionTimestamp != nil {
			continue
		}
		out.byCode[l.Spec.Code] = append(out.byCode[l.Spec.Code], l)
		if n := l.Spec.FulfillmentLocationID; n > 0 {
			out.byNumber[n] = append(out.byNumber[n], l)
		}
	}
	return out, nil
}

// found are the Locations that answer to a name: at most one of each of the principal's Clients.
type found struct {
	own     []*inventoryv1alpha1.Location
	foreign bool // Clients of others have such a Location
}

// among picks the principal's Locations.
func (who principal) among(named []*inventoryv1alpha1.Location) found {
	var out found
	oldest := map[*sender]*inventoryv1alpha1.Location{}
	for _, l := range named {
		owner := who.owner(l)
		if owner == nil {
			out.foreign = true
		} else if first := oldest[owner]; first == nil || l.OlderThan(first) {
			oldest[owner] = l
		}
	}
	for _, c := range who {
		if l := oldest[c]; l != nil {
			out.own = append(out.own, l)
		}
	}
	return out
}

// owner returns the sender whose Client a Location belongs to, or nil.
func (who principal) owner(l *inventoryv1alpha1.Location) *sender {
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

// byCode returns the Location with a code; nil where there is none.
func (r *resolver) byCode(ctx context.Context, who principal, code string) (*inventoryv1alpha1.Location, error) {
	all, err := r.current(ctx)
	if err != nil {
		return nil, err
	}
	f := who.among(all.byCode[code])
	switch {
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
func (r *resolver) byNumber(ctx context.Context, who principal, l *line) (*inventoryv1alpha1.Location, error) {
	clients := who.withID(l.clientID)
	if len(clients) == 0 {
		return nil, refuse(http.StatusForbidden, codeForbidden, "clientId: %d is not a client of these credentials", l.clientID)
	}
	all, err := r.current(ctx)
	if err != nil {
		return nil, err
	}
	named := all.byNumber[l.locationID]
	f := clients.among(named)
	switch {
	case len(f.own) > 1:
		return nil, refuse(http.StatusBadRequest, codeAmbiguous,
			"fulfillmentLocationId: several of your clients with the clientId %d have a location %d: name one with the header authDomainName",
			l.clientID, l.locationID)
	case len(f.own) == 1:
		return f.own[0], nil
	case f.foreign && len(who.among(named).own) == 0: // of another Client of one's own, it is a mistake only
		return nil, refuse(http.StatusForbidden, codeForbidden, "fulfillmentLocationId: %d belongs to another client", l.locationID)
	}
	return nil, nil //nolint:nilnil // an unknown location fails its SKU only
}
