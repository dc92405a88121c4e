package vendure

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/sets"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/resolve"
)

// location is a stock location.
type location struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type locationsAnswer struct {
	activeChannel
	Settings struct {
		TrackInventory bool `json:"trackInventory"`
	} `json:"globalSettings"`
	Locations page[location] `json:"stockLocations"`
}

// variant is a product variant with its stock.
type variant struct {
	ID     string  `json:"id"`
	SKU    string  `json:"sku"`
	Track  string  `json:"trackInventory"` // TRUE, FALSE or INHERIT
	Levels []level `json:"stockLevels"`
}

// level is the stock of a variant at a location.
type level struct {
	LocationID string `json:"stockLocationId"`
	// OnHand lies at the location, including what is allocated to orders that are not shipped yet. It can
	// be negative.
	OnHand    int64 `json:"stockOnHand"`
	Allocated int64 `json:"stockAllocated"`
}

type variantsAnswer struct {
	Variants page[variant] `json:"productVariants"`
}

// row is an item of a batch with what the shop has of it.
type row struct {
	item    channel.Item
	variant string
	level   level
	tracked bool
}

// look asks for the locations and variants of a batch, anew for each: whatever was renamed is found. It
// returns the rows by the index of their items, and the items without.
func (c *connector) look(ctx context.Context, batch channel.Batch) (map[int]row, map[int]*channel.Error, error) {
	places, trackAll, err := c.locations(ctx, batch)
	if err != nil {
		return nil, nil, err
	}
	variants, err := c.variants(ctx, batch.Items)
	if err != nil {
		return nil, nil, err
	}
	rows, failures := make(map[int]row, len(batch.Items)), map[int]*channel.Error{}
	for i, it := range batch.Items {
		place, found := places[batch.LocationOf(it, c.spec.Location)], variants[it.SKU]
		if failure := cmp.Or(place.failure, resolve.Unique(len(found))); failure != nil {
			failures[i] = failure
			continue
		}
		v := found[0]
		tracked := v.Track == "TRUE" || v.Track == "INHERIT" && trackAll
		if !tracked && c.spec.Untracked != inventoryv1alpha1.VendureTrack {
			failures[i] = channel.NewError(channel.Unmapped, "NotTracked",
				"the shop does not track the stock of the variant, and sells it whatever its quantity: spec.vendure.untracked says what to do")
			continue
		}
		rows[i] = row{it, v.ID, v.at(place.id), tracked}
	}
	return rows, failures, nil
}

// at returns the stock at a location, which is none where the variant has never been there.
func (v variant) at(id string) level {
	if i := slices.IndexFunc(v.Levels, func(l level) bool { return l.LocationID == id }); i >= 0 {
		return v.Levels[i]
	}
	return level{LocationID: id}
}

// variants finds the variants with the SKUs of items. Databases may compare without regard to case: only
// exact matches count.
func (c *connector) variants(ctx context.Context, items []channel.Item) (map[string][]variant, error) {
	skus := sets.New[string]()
	for _, it := range items {
		skus.Insert(it.SKU)
	}
	found := make(map[string][]variant, len(items))
	for some := range slices.Chunk(sets.List(skus), pageSize) {
		all, err := list(ctx, c, variantsQuery, filter{SKU: &oneOf{some}}, func(a *variantsAnswer) (page[variant], error) { return a.Variants, nil })
		if err != nil {
			return nil, err
		}
		for _, v := range all {
			found[v.SKU] = append(found[v.SKU], v)
		}
	}
	return found, nil
}

// place is a stock location's id, or why there is none.
type place struct {
	id      string
	failure *channel.Error
}

// locations finds the locations of a batch by their names, and whether variants are tracked that do not
// say so themselves.
func (c *connector) locations(ctx context.Context, batch channel.Batch) (places map[string]place, trackAll bool, err error) {
	names := sets.New[string]()
	for _, it := range batch.Items {
		names.Insert(batch.LocationOf(it, c.spec.Location))
	}
	places = make(map[string]place, names.Len())
	for some := range slices.Chunk(sets.List(names), pageSize) {
		all, err := list(ctx, c, locationsQuery, c.named(some), func(a *locationsAnswer) (page[location], error) {
			trackAll = a.Settings.TrackInventory
			return a.Locations, c.checkChannel(a.activeChannel)
		})
		if err != nil {
			return nil, false, err
		}
		for _, name := range some {
			places[name] = c.choose(name, all)
		}
	}
	return places, trackAll, nil
}

// named returns the filter that finds locations.
func (c *connector) named(names []string) filter {
	switch {
	case slices.Contains(names, ""):
		return filter{} // of a sum, where no location is named: it has no other names beside it
	case c.spec.LocationKey == inventoryv1alpha1.VendureLocationID:
		return filter{ID: &oneOf{names}}
	default:
		return filter{Name: &oneOf{names}}
	}
}

// choose finds the one location of a name.
func (c *connector) choose(name string, all []location) place {
	var ids []string
	for _, l := range all {
		if name == "" || name == l.Name && c.spec.LocationKey != inventoryv1alpha1.VendureLocationID || name == l.ID && c.spec.LocationKey == inventoryv1alpha1.VendureLocationID {
			ids = append(ids, l.ID)
		}
	}
	called := fmt.Sprintf("with the %s %q", strings.ToLower(string(c.spec.LocationKey)), name)
	switch {
	case len(ids) == 1:
		return place{id: ids[0]}
	case name == "":
		return place{failure: channel.NewError(channel.Unmapped, "AmbiguousLocation",
			fmt.Sprintf("the shop has %d stock locations: spec.vendure.location must say which one takes the sums", len(ids)))}
	case len(ids) == 0:
		return place{failure: channel.NewError(channel.Unmapped, "UnknownLocation", "the shop has no stock location "+called)}
	}
	return place{failure: channel.NewError(channel.Unmapped, "AmbiguousLocation", fmt.Sprintf("the shop has %d stock locations %s", len(ids), called))}
}
