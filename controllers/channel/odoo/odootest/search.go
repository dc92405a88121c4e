package odootest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
)

// record holds the fields of a record as JSON writes them, by name.
type record map[string]any

func (s *Server) productRecords() []record {
	return records(s.products, func(p Product) record {
		return record{"default_code": orFalse(p.SKU), "is_storable": !p.Service, "tracking": cmp.Or(p.Tracking, "none"), "active": !p.Archived}
	})
}

func (s *Server) locationRecords() []record {
	return records(s.locations, func(l Location) record {
		return record{"complete_name": l.Name, "usage": cmp.Or(l.Usage, "internal")}
	})
}

func (s *Server) quantRecords() []record {
	return records(s.quants, func(q Quant) record {
		return record{
			"product_id": reference(q.ProductID), "location_id": reference(q.LocationID), "lot_id": reference(q.LotID),
			"package_id": reference(q.PackageID), "owner_id": reference(q.OwnerID), "quantity": q.Quantity,
		}
	})
}

func records[T any](of map[int64]T, fields func(T) record) []record {
	var out []record
	for _, id := range slices.Sorted(maps.Keys(of)) {
		r := fields(of[id])
		r["id"] = float64(id)
		out = append(out, r)
	}
	return out
}

func orFalse(text string) any {
	if text == "" {
		return false
	}
	return text
}

// reference is a record that another refers to: its id with its name, or false.
func reference(id int64) any {
	if id == 0 {
		return false
	}
	return []any{float64(id), fmt.Sprintf("record %d", id)}
}

// searchRead returns the asked fields of the records that fulfil all conditions of a domain.
func searchRead(body []byte, all []record) (any, error) {
	var in struct {
		Domain  [][]any  `json:"domain"`
		Fields  []string `json:"fields"`
		Limit   int      `json:"limit"`
		Offset  int      `json:"offset"`
		Context struct {
			ActiveTest *bool `json:"active_test"`
		} `json:"context"`
	}
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	out := []record{}
	for _, r := range all {
		if active, has := r["active"]; has && active == false && (in.Context.ActiveTest == nil || *in.Context.ActiveTest) {
			continue
		}
		fulfilled, err := r.fulfils(in.Domain)
		if err != nil {
			return nil, err
		}
		if !fulfilled || in.Limit > 0 && len(out) == in.Limit {
			continue
		}
		read := record{"id": r["id"]}
		for _, field := range in.Fields {
			value, has := r[field]
			if !has {
				return nil, invalidField(field)
			}
			read[field] = value
		}
		out = append(out, read)
	}
	return out, nil
}

func (r record) fulfils(domain [][]any) (bool, error) {
	for _, condition := range domain {
		if len(condition) != 3 {
			return false, &exception{http.StatusInternalServerError, "builtins.ValueError", "Invalid leaf"}
		}
		field, _ := condition[0].(string)
		value, has := r[field]
		if !has {
			return false, invalidField(field)
		}
		if pair, refers := value.([]any); refers {
			value = pair[0]
		}
		switch condition[1] {
		case "=":
			if value != condition[2] {
				return false, nil
			}
		case "in":
			if among, ok := condition[2].([]any); !ok || !slices.Contains(among, value) {
				return false, nil
			}
		default:
			return false, &exception{http.StatusInternalServerError, "builtins.ValueError", "Invalid operator"}
		}
	}
	return true, nil
}

func invalidField(name string) error {
	return &exception{http.StatusInternalServerError, "builtins.ValueError", "Invalid field '" + name + "'"}
}

// decode reads arguments; those that a method does not have are refused.
func decode(body []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return &exception{http.StatusUnprocessableEntity, "werkzeug.exceptions.UnprocessableEntity", err.Error()}
	}
	return nil
}
