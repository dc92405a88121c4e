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

// countLocation is the storage location that a name stands for, or why stock cannot be counted there.
type countLocation struct {
	id      int64
	failure *channel.Error
}

func countable(l countLocation) *channel.Error { return l.failure }

// lookUpLocations finds storage locations by their names.
func (c *connector) lookUpLocations(ctx context.Context, names []string) (map[string][]countLocation, error) {
	out := make(map[string][]countLocation, len(names))
	for _, name := range names { // one: see Limits
		condition, failure := c.named(name)
		if failure != nil {
			out[name] = []countLocation{{failure: failure}}
			continue
		}
		found, err := search[location](ctx, c, locationModel, frame{Company: c.company.Load()}, locationFields, condition)
		if err != nil {
			return nil, err
		}
		for _, l := range found {
			out[name] = append(out[name], l.toCount(name))
		}
	}
	return out, nil
}

// noLocation says why a name stands for no location.
func (c *connector) noLocation(name string, found int) *channel.Error {
	if found > 1 {
		return unmapped(channel.ReasonAmbiguousLocation, "Tryton has %d locations with the %s %q", found, strings.ToLower(string(c.spec.LocationKey)), name)
	}
	return unmapped(channel.ReasonUnknownLocation, "Tryton has no active location with the %s %q", strings.ToLower(string(c.spec.LocationKey)), name)
}

// named returns the condition that finds a location.
func (c *connector) named(name string) (clause, *channel.Error) {
	switch c.spec.LocationKey {
	case inventoryv1alpha1.TrytonLocationID:
		id, err := strconv.ParseInt(name, 10, 64)
		if err != nil {
			return clause{}, unmapped(channel.ReasonUnknownLocation, "%q is not the id of a location: spec.locationMapping says what Tryton calls it", name)
		}
		return clause{"id", "=", id}, nil
	case inventoryv1alpha1.TrytonLocationName:
		return clause{"name", "=", name}, nil
	default:
		return clause{"code", "=", name}, nil
	}
}

// toCount returns the storage location to count at.
func (l location) toCount(name string) countLocation {
	switch {
	case l.Type != storage && (l.Type != warehouse || l.Storage == nil):
		return countLocation{failure: unmapped(reasonInvalidLocation, "the location %q is of type %q in Tryton: stock is counted at storage locations", name, l.Type)}
	case l.Warehouse == nil || l.Warehouse.LostFound == nil:
		return countLocation{failure: unmapped(reasonInvalidLocation, "the location %q belongs to no warehouse with a lost-and-found location, to which Tryton books differences", name)}
	case l.Type == warehouse:
		return countLocation{id: *l.Storage}
	}
	return countLocation{id: l.ID}
}

func unmapped(reason channel.Reason, format string, args ...any) *channel.Error {
	return channel.NewError(channel.Unmapped, reason, fmt.Sprintf(format, args...))
}
