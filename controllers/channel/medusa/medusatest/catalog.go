package medusatest

import (
	"maps"
	"net/http"
	"slices"

	"k8s.io/apimachinery/pkg/util/sets"

	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

// itemJSON is an inventory item as lists have it.
type itemJSON struct {
	ID     string      `json:"id"`
	SKU    string      `json:"sku"`
	Levels []levelJSON `json:"location_levels"`
}

// levelJSON is a level. Available is not that of the answer to a call, where Medusa reports the one from
// before it; it is left out.
type levelJSON struct {
	ItemID     string  `json:"inventory_item_id,omitempty"`
	LocationID string  `json:"location_id"`
	Stocked    float64 `json:"stocked_quantity"`
	Reserved   float64 `json:"reserved_quantity"`
}

func (s *Server) listItems(w http.ResponseWriter, r *http.Request) {
	q, ok := readQuery(w, r, "id", "sku")
	if !ok {
		return
	}
	s.mu.Lock()
	all := []itemJSON{}
	for _, id := range s.sortedItems(q.filters["id"], q.filters["sku"]) {
		all = append(all, s.itemJSON(id))
	}
	s.mu.Unlock()
	fakeserver.JSON(w, http.StatusOK, map[string]any{
		"inventory_items": page(q, all), "count": len(all), "offset": q.offset, "limit": q.limit,
	})
}

func (s *Server) itemJSON(id string) itemJSON {
	out := itemJSON{ID: id, SKU: s.items[id], Levels: []levelJSON{}}
	for at, l := range s.levels {
		if at.itemID == id {
			out.Levels = append(out.Levels, levelJSON{LocationID: at.locationID, Stocked: l.Stocked, Reserved: l.Reserved})
		}
	}
	return out
}

func (s *Server) createItem(w http.ResponseWriter, r *http.Request) {
	var in struct {
		SKU string `json:"sku"`
	}
	if !readBody(w, r, &in) {
		return
	}
	s.mu.Lock()
	taken := slices.Contains(slices.Collect(maps.Values(s.items)), in.SKU)
	s.mu.Unlock()
	if taken {
		invalid(w, "Inventory item with sku: %s, already exists.", in.SKU)
		return
	}
	fakeserver.JSON(w, http.StatusOK, map[string]any{"inventory_item": itemJSON{ID: s.Item(in.SKU), SKU: in.SKU}})
}

func (s *Server) updateItem(w http.ResponseWriter, r *http.Request) {
	var in struct {
		SKU string `json:"sku"`
	}
	id := r.PathValue("id")
	if !readBody(w, r, &in) {
		return
	}
	s.mu.Lock()
	_, known := s.items[id]
	if known {
		s.items[id] = in.SKU
	}
	out := s.itemJSON(id)
	s.mu.Unlock()
	if !known {
		notFound(w, "InventoryItem with id \"%s\" not found", id)
		return
	}
	fakeserver.JSON(w, http.StatusOK, map[string]any{"inventory_item": out})
}

// deleteItem deletes an item with its levels.
func (s *Server) deleteItem(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	s.mu.Lock()
	delete(s.items, id)
	maps.DeleteFunc(s.levels, func(at itemLocation, _ Level) bool { return at.itemID == id })
	s.mu.Unlock()
	fakeserver.JSON(w, http.StatusOK, map[string]any{"id": id, "object": "inventory_item", "deleted": true})
}

func (s *Server) listLocations(w http.ResponseWriter, r *http.Request) {
	q, ok := readQuery(w, r, "id")
	if !ok {
		return
	}
	type location struct {
		ID string `json:"id"`
	}
	all := []location{}
	s.mu.Lock()
	for _, id := range sets.List(s.locations) {
		if asked, filtered := q.filters["id"]; !filtered || slices.Contains(asked, id) {
			all = append(all, location{id})
		}
	}
	s.mu.Unlock()
	fakeserver.JSON(w, http.StatusOK, map[string]any{
		"stock_locations": page(q, all), "count": len(all), "offset": q.offset, "limit": q.limit,
	})
}

func (s *Server) createLocation(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Name string `json:"name"`
	}
	if readBody(w, r, &in) {
		fakeserver.JSON(w, http.StatusOK, map[string]any{"stock_location": map[string]string{"id": s.Location(), "name": in.Name}})
	}
}
