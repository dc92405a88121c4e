package tryton

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

// Types of locations that can be counted: goods lie in storage, and a warehouse has one.
const (
	storage   = "storage"
	warehouse = "warehouse"
)

// location is where goods lie.
type location struct {
	ID     int64  `json:"id"`
	Type   string `json:"type"`
	Active flag   `json:"active"`
	// Storage is the storage location of a warehouse.
	Storage *int64 `json:"storage_location"`
	// Warehouse is the one that the location belongs to, or is; nil for none.
	Warehouse *struct {
		LostFound *int64 `json:"lost_found_location"`
	} `json:"warehouse."`
}

var locationFields = []string{"type", "active", "storage_location", "warehouse.lost_found_location"}

// locate finds the storage location of a name, anew for each batch: what is wrong with a location must
// not be blamed on SKUs. The failure, of class Unmapped, says why it has none.
func (c *connector) locate(ctx context.Context, name string) (id int64, failure *channel.Error, err error) {
	condition, failure := c.named(name)
	if failure != nil {
		return 0, failure, nil
	}
	found, err := search[location](ctx, c, locationModel, frame{Company: c.company.Load()}, locationFields, condition)
	switch {
	case err != nil:
		return 0, nil, err
	case len(found) == 0:
		return 0, unmapped("UnknownLocation", "Tryton has no active location with the %s %q", strings.ToLower(string(c.spec.LocationKey)), name), nil
	case len(found) > 1:
		return 0, unmapped("AmbiguousLocation", "Tryton has %d locations with the %s %q", len(found), strings.ToLower(string(c.spec.LocationKey)), name), nil
	}
	id, failure = found[0].countable(name)
	return id, failure, nil
}

// named returns the condition that finds a location.
func (c *connector) named(name string) (clause, *channel.Error) {
	switch c.spec.LocationKey {
	case inventoryv1alpha1.TrytonLocationID:
		id, err := strconv.ParseInt(name, 10, 64)
		if err != nil {
			return clause{}, unmapped("UnknownLocation", "%q is not the id of a location: spec.locationMapping says what Tryton calls it", name)
		}
		return clause{"id", "=", id}, nil
	case inventoryv1alpha1.TrytonLocationName:
		return clause{"name", "=", name}, nil
	default:
		return clause{"code", "=", name}, nil
	}
}

// countable returns the storage location to count at.
func (l location) countable(name string) (int64, *channel.Error) {
	switch {
	case l.Type != storage && (l.Type != warehouse || l.Storage == nil):
		return 0, unmapped("InvalidLocation", "the location %q is of type %q in Tryton: stock is counted at storage locations", name, l.Type)
	case l.Warehouse == nil || l.Warehouse.LostFound == nil:
		return 0, unmapped("InvalidLocation", "the location %q belongs to no warehouse with a lost-and-found location, to which Tryton books differences", name)
	case l.Type == warehouse:
		return *l.Storage, nil
	}
	return l.ID, nil
}

func unmapped(reason, format string, args ...any) *channel.Error {
	return channel.NewError(channel.Unmapped, reason, fmt.Sprintf(format, args...))
}
