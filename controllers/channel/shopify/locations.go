package shopify

import (
	"context"
	"fmt"
	"maps"
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

// findLocations returns the id of each location, or why there is none.
func (c *connector) findLocations(ctx context.Context, codes []string) (map[string]string, map[string]*channel.Error, error) {
	ids := make(map[string]string, len(codes))
	var names []string
	for _, code := range codes {
		if match := locationNumber.FindStringSubmatch(code); match != nil {
			ids[code] = locationID + match[1]
		} else {
			names = append(names, code)
		}
	}
	found, failures, err := c.locations.Resolve(ctx, names)
	if err != nil {
		return nil, nil, err
	}
	maps.Copy(ids, found)
	for name, failure := range failures {
		failures[name] = misplaced(name, failure)
	}
	return ids, failures, nil
}

// misplaced turns the failure to find an item into that to find a location.
func misplaced(name string, failure *channel.Error) *channel.Error {
	if failure.Reason == "AmbiguousSKU" {
		return channel.NewError(channel.Unmapped, "AmbiguousLocation", fmt.Sprintf("the shop has several active locations named %q", name))
	}
	return unknownLocation(name)
}

func unknownLocation(code string) *channel.Error {
	return channel.NewError(channel.Unmapped, "UnknownLocation", fmt.Sprintf("the shop has no active location %q", code))
}

// listLocations is the look-up of locations by name.
func (c *connector) listLocations(ctx context.Context, names []string) (map[string][]string, error) {
	wanted, out := sets.New(names...), make(map[string][]string, len(names))
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
			return nil, err
		}
		if data.Locations.Nodes == nil {
			return nil, invalidAnswer("locations")
		}
		for _, n := range data.Locations.Nodes {
			if wanted.Has(n.Name) {
				out[n.Name] = append(out[n.Name], n.ID)
			}
		}
		if !data.Locations.PageInfo.HasNextPage {
			return out, nil
		}
		variables.After = data.Locations.PageInfo.EndCursor
	}
	return nil, channel.NewError(channel.Terminal, "TooManyLocations", fmt.Sprintf("the shop has more than %d locations: name them by id", MaxLocations))
}
