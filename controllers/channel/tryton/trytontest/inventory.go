package trytontest

import (
	"encoding/json"
	"fmt"
	"slices"
)

// createInventory creates documents whose lines expect what lies there now, or none.
func (s *Server) createInventory(a *arguments) (any, exception) {
	var given []struct {
		Location int64                `json:"location"`
		Company  int64                `json:"company"`
		Number   string               `json:"number"`
		Lines    [][2]json.RawMessage `json:"lines"`
	}
	a.read(0, &given)
	if s.denied == "stock.inventory" {
		return nil, userError(`You are not allowed to access "Stock Inventory".`)
	}
	var created []*Document
	var ids []int64
	for _, g := range given {
		if g.Company != s.company || a.context.Company != s.company {
			return nil, userError("You are not allowed to create records because they fail on at least one of these rules: User in companies")
		}
		d := &Document{ID: s.nextID(), Location: g.Location, Company: g.Company, Number: g.Number, State: "draft"}
		for _, command := range g.Lines {
			var lines []Line
			if err := json.Unmarshal(command[1], &lines); err != nil {
				return nil, crash(err.Error())
			}
			d.Lines = append(d.Lines, lines...)
		}
		if fault := s.check(d); fault != nil {
			return nil, fault
		}
		created, ids = append(created, d), append(ids, d.ID)
	}
	s.documents = append(s.documents, created...)
	return ids, nil
}

// check completes and validates a document.
func (s *Server) check(d *Document) exception {
	at := slices.IndexFunc(s.locations, func(l Location) bool { return l.ID == d.Location })
	if at < 0 || s.locations[at].Type != "" && s.locations[at].Type != "storage" {
		return userError(`The value for field "Location" in "Stock Inventory" is not valid according to its domain.`)
	}
	for i := range d.Lines {
		l := &d.Lines[i]
		p := slices.IndexFunc(s.products, func(p Product) bool { return p.ID == l.Product })
		switch {
		case p < 0 || s.products[p].Type != "" && s.products[p].Type != "goods":
			return userError(`The value for field "Product" in "Stock Inventory Line" is not valid according to its domain.`)
		case l.Quantity < 0:
			return userError("Inventory line quantity must be positive.")
		}
		l.ID, l.Expected = s.nextID(), s.stock[LocationProduct{d.Location, l.Product}]
		if s.products[p].Lots {
			l.Expected = 0
		}
	}
	return nil
}

// confirmInventory books differences. What is done already stays as it is.
func (s *Server) confirmInventory(a *arguments) (any, exception) {
	var ids []int64
	a.read(0, &ids)
	for _, id := range ids {
		d := s.document(id)
		if d == nil {
			return nil, userError(fmt.Sprintf(`You are not allowed to read records "%d" of "Stock Inventory".`, id))
		}
		if d.State != "draft" {
			continue
		}
		seen := map[int64]bool{}
		for _, l := range d.Lines {
			if seen[l.Product] {
				return nil, userError(`Inventory line is not unique on inventory.`)
			}
			seen[l.Product] = true
		}
		for _, l := range d.Lines {
			at := LocationProduct{d.Location, l.Product}
			s.stock[at] += l.Quantity - l.Expected
			s.counted[at] = true
		}
		d.State = "done"
	}
	return nil, nil
}

func (s *Server) deleteInventory(a *arguments) (any, exception) {
	var ids []int64
	a.read(0, &ids)
	for _, id := range ids {
		d := s.document(id)
		if d == nil {
			return nil, userError(fmt.Sprintf(`You are not allowed to read records "%d" of "Stock Inventory".`, id))
		}
		if d.State == "done" {
			return nil, userError("The inventory must be cancelled to be deleted.")
		}
	}
	s.documents = slices.DeleteFunc(s.documents, func(d *Document) bool { return slices.Contains(ids, d.ID) })
	return nil, nil
}

func (s *Server) deleteLines(a *arguments) (any, exception) {
	var ids []int64
	a.read(0, &ids)
	for _, d := range s.documents {
		d.Lines = slices.DeleteFunc(d.Lines, func(l Line) bool { return slices.Contains(ids, l.ID) })
	}
	return nil, nil
}

func (s *Server) document(id int64) *Document {
	for _, d := range s.documents {
		if d.ID == id {
			return d
		}
	}
	return nil
}
