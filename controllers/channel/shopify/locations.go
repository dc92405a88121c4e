package shopify

import (
	"context"
	"fmt"
	"regexp"

	"k8s.io/apimachinery/pkg/util/sets"

	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/graphql"
)

const (
	// MaxLocations bounds the locations of a shop that are looked at. Shopify's own limit is 1,000.
	MaxLocations = 10_000

	// locationsPerPage is what the query asks for.
	locationsPerPage = 250

	locationID = "gid://shopify/Location/"
)

// locationNumber matches what is an id, and not a name.
var locationNumber = regexp.MustCompile(`^(?:` + locationID + `)?(\d{1,20})$`)

// noLocation says why a code stands for no location.
func noLocation(code string, found int) *channel.Error {
	if found > 1 {
		return channel.NewError(channel.Unmapped, channel.ReasonAmbiguousLocation, fmt.Sprintf("the shop has several active locations named %q", code))
	}
	return channel.NewError(channel.Unmapped, channel.ReasonUnknownLocation, fmt.Sprintf("the shop has no active location %q", code))
}

// lookUpLocations is the look-up of locations: those that are named by their ids need none.
func (c *connector) lookUpLocations(ctx context.Context, codes []string) (map[string][]string, error) {
	ids := make(map[string][]string, len(codes))
	var names []string
	for _, code := range codes {
		if match := locationNumber.FindStringSubmatch(code); match != nil {
			ids[code] = []string{locationID + match[1]}
		} else {
			names = append(names, code)
		}
	}
	if len(names) == 0 {
		return ids, nil
	}
	return ids, c.listLocations(ctx, names, ids)
}

// listLocations finds locations by their names.
func (c *connector) listLocations(ctx context.Context, names []string, ids map[string][]string) error {
	wanted := sets.New(names...)
	var variables pageVariables
	for range MaxLocations / locationsPerPage {
		var data struct {
			Locations struct {
				Nodes []struct {
					ID   string `json:"id"`
					Name string `json:"name"`
				} `json:"nodes"`
				PageInfo page `json:"pageInfo"`
			} `json:"locations"`
		}
		if _, err := c.api.Call(ctx, graphql.Request{Query: locationsQuery, Variables: variables}, &data); err != nil {
			return err
		}
		if data.Locations.Nodes == nil {
			return invalidAnswer("locations")
		}
		for _, n := range data.Locations.Nodes {
			if wanted.Has(n.Name) {
				ids[n.Name] = append(ids[n.Name], n.ID)
			}
		}
		if !data.Locations.PageInfo.HasNextPage {
			return nil
		}
		variables.After = data.Locations.PageInfo.EndCursor
	}
	return channel.NewError(channel.Terminal, reasonTooManyLocations, fmt.Sprintf("the shop has more than %d locations: name them by id", MaxLocations))
}
