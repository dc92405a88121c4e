package medusatest

import (
	"fmt"
	"maps"
	"net/http"
	"strings"

	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

// change is a level to create or update.
type change struct {
	ItemID     string            `json:"inventory_item_id"`
	LocationID string            `json:"location_id"`
	Stocked    optional[float64] `json:"stocked_quantity"`
	Incoming   optional[float64] `json:"incoming_quantity"`
}

func (c change) itemLocation() itemLocation { return itemLocation{c.ItemID, c.LocationID} }

// batch creates and updates levels, all or nothing. Like Medusa, it does not look whether a location
// exists. Levels have no ids here, so none can be deleted.
func (s *Server) batch(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Create []change `json:"create"`
		Update []change `json:"update"`
		Delete []string `json:"delete"`
		Force  bool     `json:"force"`
	}
	if !readBody(w, r, &in) || !checkChanges(w, "create", in.Create) || !checkChanges(w, "update", in.Update) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	was := maps.Clone(s.levels)
	if !s.create(w, in.Create) || !s.update(w, in.Update) {
		s.levels = was
		return
	}
	fakeserver.JSON(w, http.StatusOK, map[string][]levelJSON{"created": s.answer(in.Create), "updated": s.answer(in.Update)})
}

// checkChanges reports whether a list is sound by itself, and answers what is wrong with it.
func checkChanges(w http.ResponseWriter, list string, changes []change) bool {
	for i, c := range changes {
		switch {
		case c.ItemID == "":
			invalid(w, "Invalid request: Field '%s, %d, inventory_item_id' is required", list, i)
			return false
		case c.LocationID == "":
			invalid(w, "Invalid request: Field '%s, %d, location_id' is required", list, i)
			return false
		case c.Stocked.value < 0:
			invalid(w, "Invalid request: Value for field '%s, %d, stocked_quantity' too small, expected at least: '0'", list, i)
			return false
		}
	}
	return true
}

func (s *Server) create(w http.ResponseWriter, changes []change) bool {
	for _, c := range changes {
		if _, known := s.items[c.ItemID]; !known {
			notFound(w, "You tried to set relationship inventory_item_id: %s, but such entity does not exist", c.ItemID)
			return false
		}
		if _, taken := s.levels[c.itemLocation()]; taken {
			invalid(w, "Inventory level with inventory_item_id: %s, location_id: %s, already exists.", c.ItemID, c.LocationID)
			return false
		}
		s.levels[c.itemLocation()] = Level{Stocked: c.Stocked.value}
	}
	return true
}

func (s *Server) update(w http.ResponseWriter, changes []change) bool {
	var missing []string
	for _, c := range changes {
		l, stocked := s.levels[c.itemLocation()]
		if !stocked {
			missing = append(missing, fmt.Sprintf("Item %s is not stocked at location %s", c.ItemID, c.LocationID))
			continue
		}
		if c.Stocked.set {
			l.Stocked = c.Stocked.value
		}
		s.levels[c.itemLocation()] = l
	}
	if missing != nil {
		notFound(w, "%s", strings.Join(missing, ", "))
	}
	return missing == nil
}

func (s *Server) answer(changes []change) []levelJSON {
	out := make([]levelJSON, 0, len(changes))
	for _, c := range changes {
		l := s.levels[c.itemLocation()]
		out = append(out, levelJSON{ItemID: c.ItemID, LocationID: c.LocationID, Stocked: l.Stocked, Reserved: l.Reserved})
	}
	return out
}

// reserve makes a reservation.
func (s *Server) reserve(w http.ResponseWriter, r *http.Request) {
	var in struct {
		ItemID     string  `json:"inventory_item_id"`
		LocationID string  `json:"location_id"`
		Quantity   float64 `json:"quantity"`
	}
	if !readBody(w, r, &in) {
		return
	}
	at := itemLocation{in.ItemID, in.LocationID}
	s.mu.Lock()
	defer s.mu.Unlock()
	l, stocked := s.levels[at]
	switch {
	case !stocked:
		notFound(w, "Item %s is not stocked at location %s", in.ItemID, in.LocationID)
	case l.Stocked-l.Reserved < in.Quantity:
		refuse(w, http.StatusBadRequest, "not_allowed", "Not enough stock available for item %s at location %s", in.ItemID, in.LocationID)
	default:
		l.Reserved += in.Quantity
		s.levels[at] = l
		fakeserver.JSON(w, http.StatusOK, map[string]any{"reservation": map[string]string{"id": s.id("resitem")}})
	}
}
