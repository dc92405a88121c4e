package vendure

import (
	"context"
	"fmt"
	"slices"
	"strings"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/resolve"
)

// location is a stock location.
type location struct {
	ID   string `json:"id"`
	Name string `json:"name"`

	trackAll bool // whether variants are tracked that do not say so themselves
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

// target is an item with what the shop has of it.
type target = resolve.Target[*variant, location]

// newTargets looks everything up anew for each batch: whatever was renamed is found.
func (c *connector) newTargets() resolve.Targets[*variant, location] {
	return resolve.Targets[*variant, location]{
		Items:     resolve.Anew(pageSize, c.lookUpVariants),
		Locations: resolve.Anew(pageSize, c.lookUpLocations).Explained(c.noLocation),
		Sums:      c.spec.Location,
	}
}

// isTracked reports whether the shop tracks the stock of a target's variant.
func isTracked(t target) bool {
	return t.Found.Track == "TRUE" || t.Found.Track == "INHERIT" && t.Location.trackAll
}

// resolve finds the targets of a batch. Variants that are sold whatever their quantity are none, unless they shall be
// tracked from now on.
func (c *connector) resolve(ctx context.Context, batch channel.Batch) ([]target, map[int]*channel.Error, error) {
	all, failures, err := c.targets.Resolve(ctx, batch)
	out := make([]target, 0, len(all))
	for _, t := range all {
		if !isTracked(t) && c.spec.Untracked != inventoryv1alpha1.VendureTrack {
			failures[t.Index] = channel.NewError(channel.Unmapped, channel.ReasonNotTracked,
				"the shop does not track the stock of the variant, and sells it whatever its quantity: spec.vendure.untracked says what to do")
			continue
		}
		out = append(out, t)
	}
	return out, failures, err
}

// at returns the stock at a location, which is none where the variant has never been there.
func (v *variant) at(id string) level {
	if i := slices.IndexFunc(v.Levels, func(l level) bool { return l.LocationID == id }); i >= 0 {
		return v.Levels[i]
	}
	return level{LocationID: id}
}

// lookUpVariants finds variants by their SKUs. Databases may compare without regard to case: only exact matches
// count.
func (c *connector) lookUpVariants(ctx context.Context, skus []string) (map[string][]*variant, error) {
	all, err := list(ctx, c, variantsQuery, filter{SKU: &oneOf{skus}}, func(a *variantsAnswer) (page[variant], error) { return a.Variants, nil })
	if err != nil {
		return nil, err
	}
	out := make(map[string][]*variant, len(skus))
	for i := range all {
		out[all[i].SKU] = append(out[all[i].SKU], &all[i])
	}
	return out, nil
}

// lookUpLocations finds locations by their names, or ids, and whether variants are tracked that do not say so
// themselves. The empty name stands for the shop's only location.
func (c *connector) lookUpLocations(ctx context.Context, names []string) (map[string][]location, error) {
	trackAll := false
	all, err := list(ctx, c, locationsQuery, c.named(names), func(a *locationsAnswer) (page[location], error) {
		trackAll = a.Settings.TrackInventory
		return a.Locations, c.checkChannel(a.activeChannel)
	})
	if err != nil {
		return nil, err
	}
	out := make(map[string][]location, len(names))
	for _, l := range all {
		l.trackAll = trackAll
		name := l.Name
		switch {
		case slices.Contains(names, ""):
			name = ""
		case c.spec.LocationKey == inventoryv1alpha1.VendureLocationID:
			name = l.ID
		}
		out[name] = append(out[name], l)
	}
	return out, nil
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

// noLocation says why a name stands for no location.
func (c *connector) noLocation(name string, found int) *channel.Error {
	called := fmt.Sprintf("with the %s %q", strings.ToLower(string(c.spec.LocationKey)), name)
	switch {
	case name == "":
		return channel.NewError(channel.Unmapped, channel.ReasonAmbiguousLocation,
			fmt.Sprintf("the shop has %d stock locations: spec.vendure.location must say which one takes the sums", found))
	case found == 0:
		return channel.NewError(channel.Unmapped, channel.ReasonUnknownLocation, "the shop has no stock location "+called)
	}
	return channel.NewError(channel.Unmapped, channel.ReasonAmbiguousLocation, fmt.Sprintf("the shop has %d stock locations %s", found, called))
}
