package venduretest

import (
	"encoding/json"
	"fmt"
	"slices"
)

func (s *Shop) probe(json.RawMessage) (any, *Failure) {
	return map[string]any{
		"activeChannel": map[string]string{"token": DefaultToken},
		"me":            map[string]any{"channels": []any{map[string]any{"token": DefaultToken, "permissions": s.permissions}}},
	}, nil
}

func (s *Shop) probeKey(json.RawMessage) (any, *Failure) {
	return map[string]any{
		"activeChannel":   map[string]string{"token": DefaultToken},
		"productVariants": map[string]int{"totalItems": len(s.variants)},
		"stockLocations":  map[string]int{"totalItems": len(s.locations)},
	}, nil
}

// list is the variables of a list.
type list struct {
	Options struct {
		Filter struct {
			ID   *oneOf `json:"id"`
			Name *oneOf `json:"name"`
			SKU  *oneOf `json:"sku"`
		} `json:"filter"`
		Sort struct {
			ID string `json:"id"`
		} `json:"sort"`
		Skip int `json:"skip"`
		Take int `json:"take"`
	} `json:"options"`
}

type oneOf struct {
	In []string `json:"in"`
}

func (o *oneOf) admits(value string) bool { return o == nil || slices.Contains(o.In, value) }

// page cuts a list.
func page[T any](s *Shop, in list, all []T) map[string]any {
	end := min(in.Options.Skip+min(in.Options.Take, s.maxTake), len(all))
	items := append([]T{}, all[min(in.Options.Skip, end):end]...)
	return map[string]any{"totalItems": len(all), "items": items}
}

func (s *Shop) listLocations(variables json.RawMessage) (any, *Failure) {
	var in list
	if f := decode(variables, &in); f != nil {
		return nil, f
	}
	var all []map[string]string
	for _, l := range s.locations {
		if in.Options.Filter.ID.admits(l.ID) && in.Options.Filter.Name.admits(l.Name) {
			all = append(all, map[string]string{"id": l.ID, "name": l.Name})
		}
	}
	return map[string]any{
		"activeChannel":  map[string]string{"token": DefaultToken},
		"globalSettings": map[string]bool{"trackInventory": s.trackAll},
		"stockLocations": page(s, in, all),
	}, nil
}

// stockLevel is what a shop tells of a location.
type stockLevel struct {
	LocationID string `json:"stockLocationId"`
	OnHand     int64  `json:"stockOnHand"`
	Allocated  int64  `json:"stockAllocated"`
}

func (v *Variant) levels() []stockLevel {
	out := []stockLevel{}
	for id, onHand := range v.OnHand {
		out = append(out, stockLevel{id, onHand, v.Allocated[id]})
	}
	return out
}

func (s *Shop) listVariants(variables json.RawMessage) (any, *Failure) {
	var in list
	if f := decode(variables, &in); f != nil {
		return nil, f
	}
	var all []map[string]any
	for _, v := range s.variants {
		if in.Options.Filter.SKU.admits(v.SKU) {
			all = append(all, map[string]any{"id": v.ID, "sku": v.SKU, "trackInventory": v.Track, "stockLevels": v.levels()})
		}
	}
	return map[string]any{"productVariants": page(s, in, all)}, nil
}

// setLevels applies all changes or none.
func (s *Shop) setLevels(variables json.RawMessage) (any, *Failure) {
	var in struct {
		Input []struct {
			ID     string `json:"id"`
			Track  string `json:"trackInventory"`
			Levels []struct {
				LocationID string `json:"stockLocationId"`
				OnHand     int32  `json:"stockOnHand"`
			} `json:"stockLevels"`
		} `json:"input"`
	}
	if f := decode(variables, &in); f != nil {
		return nil, f
	}
	if !slices.Contains(s.permissions, "UpdateCatalog") && !slices.Contains(s.permissions, "UpdateProduct") {
		return nil, &Failure{"FORBIDDEN", "You are not currently authorized to perform this action"}
	}
	byID := map[string]*Variant{}
	for _, v := range s.variants {
		byID[v.ID] = v
	}
	for _, c := range in.Input {
		if byID[c.ID] == nil {
			return nil, &Failure{"ENTITY_NOT_FOUND", fmt.Sprintf("No ProductVariant with the id %q could be found", c.ID)}
		}
		for _, l := range c.Levels {
			if !slices.ContainsFunc(s.locations, func(known Location) bool { return known.ID == l.LocationID }) {
				return nil, &Failure{"", "FOREIGN KEY constraint failed"}
			}
		}
	}
	out := []any{}
	for _, c := range in.Input {
		v := byID[c.ID]
		if c.Track != "" {
			v.Track = c.Track
		}
		for _, l := range c.Levels {
			v.OnHand[l.LocationID] = int64(l.OnHand) + s.race
			s.set[v.ID+" "+l.LocationID] = true
		}
		out = append(out, map[string]any{"id": v.ID, "stockLevels": v.levels()})
	}
	return map[string]any{"updateProductVariants": out}, nil
}
