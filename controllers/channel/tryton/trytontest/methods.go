package trytontest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// arguments of a call.
type arguments struct {
	params  []json.RawMessage
	context struct {
		Company    int64   `json:"company"`
		Locations  []int64 `json:"locations"`
		WithChilds *bool   `json:"with_childs"`
		ActiveTest *bool   `json:"active_test"`
	}
	err error
}

// read decodes a parameter.
func (a *arguments) read(i int, into any) {
	if a.err != nil {
		return
	}
	if i >= len(a.params) {
		a.err = fmt.Errorf("missing argument %d", i)
		return
	}
	a.err = json.Unmarshal(a.params[i], into)
}

var methods = map[string]func(*Server, *arguments) (any, exception){
	"model.res.user.get_preferences":         (*Server).preferences,
	"model.ir.model.access.get_access":       (*Server).access,
	"model.product.product.search_read":      (*Server).searchProducts,
	"model.stock.location.search_read":       (*Server).searchLocations,
	"model.stock.inventory.search_read":      (*Server).searchInventories,
	"model.stock.inventory.create":           (*Server).createInventory,
	"model.stock.inventory.confirm":          (*Server).confirmInventory,
	"model.stock.inventory.delete":           (*Server).deleteInventory,
	"model.stock.inventory.line.search_read": (*Server).searchLines,
	"model.stock.inventory.line.delete":      (*Server).deleteLines,
}

func (s *Server) preferences(*arguments) (any, exception) {
	out := map[string]any{"language": "en"}
	if s.company != 0 {
		out["company"] = s.company
	}
	return out, nil
}

func (s *Server) access(a *arguments) (any, exception) {
	var models []string
	a.read(0, &models)
	out := map[string]any{}
	for _, m := range models {
		b := s.bool(m != s.denied)
		out[m] = map[string]any{"read": b, "write": b, "create": b, "delete": b}
	}
	return out, nil
}

func (s *Server) searchProducts(a *arguments) (any, exception) {
	if s.denied == "product.product" {
		return nil, userError(`You are not allowed to access "Product Variant".`)
	}
	out := []any{}
	for _, p := range s.products {
		if p.Inactive && (a.context.ActiveTest == nil || *a.context.ActiveTest) {
			continue
		}
		kind := p.Type
		if kind == "" {
			kind = "goods"
		}
		have := map[string]any{"id": p.ID, "code": p.Code, "type": kind, "active": s.bool(!p.Inactive), "quantity": s.quantity(p.ID, a)}
		out = s.appendMatch(out, have, a)
	}
	return out, nil
}

func (s *Server) quantity(product int64, a *arguments) float64 {
	sum := 0.0
	for _, at := range a.context.Locations {
		sum += s.stock[LocationProduct{at, product}]
	}
	return sum
}

func (s *Server) searchLocations(a *arguments) (any, exception) {
	out := []any{}
	for _, l := range s.locations {
		if l.Inactive && (a.context.ActiveTest == nil || *a.context.ActiveTest) {
			continue
		}
		have := map[string]any{
			"id": l.ID, "code": l.Code, "name": l.Name, "type": "storage", "active": s.bool(!l.Inactive),
			"storage_location": nil, "warehouse.": nil,
		}
		if l.Type != "" {
			have["type"] = l.Type
		}
		if l.Storage != 0 {
			have["storage_location"] = l.Storage
		}
		if l.LostFound != 0 {
			have["warehouse."] = map[string]any{"id": WarehouseID, "lost_found_location": l.LostFound}
		}
		out = s.appendMatch(out, have, a)
	}
	return out, nil
}

func (s *Server) searchInventories(a *arguments) (any, exception) {
	out := []any{}
	for _, d := range s.documents {
		out = s.appendMatch(out, map[string]any{"id": d.ID, "number": d.Number, "state": d.State, "location": d.Location}, a)
	}
	return out, nil
}

func (s *Server) searchLines(a *arguments) (any, exception) {
	out := []any{}
	for _, d := range s.documents {
		for _, l := range d.Lines {
			out = s.appendMatch(out, map[string]any{
				"id": l.ID, "inventory": d.ID, "product": l.Product, "quantity": l.Quantity, "expected_quantity": l.Expected,
			}, a)
		}
	}
	return out, nil
}

// appendMatch appends a record that fulfils the domain of a search, with the fields that it asks for.
func (s *Server) appendMatch(out []any, have map[string]any, a *arguments) []any {
	var domain [][3]json.RawMessage
	var fields []string
	a.read(0, &domain)
	a.read(4, &fields)
	for _, clause := range domain {
		if !matches(have, clause) {
			return out
		}
	}
	record := map[string]any{"id": have["id"]}
	for _, f := range fields {
		if nested, _, ok := strings.Cut(f, "."); ok {
			f = nested + "."
		}
		record[f] = have[f]
	}
	return append(out, record)
}

// matches reports whether a record meets a clause. It compares as JSON, so that numbers of all types are alike.
func matches(have map[string]any, clause [3]json.RawMessage) bool {
	var field, operator string
	_ = json.Unmarshal(clause[0], &field)
	_ = json.Unmarshal(clause[1], &operator)
	value, _ := json.Marshal(have[field])
	var operand, got any
	_ = json.Unmarshal(clause[2], &operand)
	_ = json.Unmarshal(value, &got)
	switch operator {
	case "in":
		list, _ := operand.([]any)
		return slices.Contains(list, got)
	case "like":
		text, _ := got.(string)
		prefix, _ := operand.(string)
		return strings.HasPrefix(text, strings.TrimSuffix(prefix, "%"))
	default:
		return got == operand
	}
}
