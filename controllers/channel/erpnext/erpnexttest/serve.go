package erpnexttest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

// BookPath is where Stock Reconciliations are booked.
const BookPath = "/api/resource/Stock Reconciliation"

// maxBody bounds a call's body, in bytes.
const maxBody = 8 << 20

// pageLength is how many rows a list has unless it is asked for more.
const pageLength = 20

// listRequest is what frappe.client.get_list takes.
type listRequest struct {
	Doctype string               `json:"doctype"`
	Fields  []string             `json:"fields"`
	Filters [][3]json.RawMessage `json:"filters"`
	Limit   *int                 `json:"limit_page_length"`
}

// ServeHTTP implements http.Handler.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	token := s.token
	s.mu.Unlock()
	switch {
	case s.Take(w, r, r.Method+" "+r.URL.Path):
	case token != "" && !fakeserver.Same(r.Header.Get("Authorization"), "token "+token):
		fail(w, http.StatusUnauthorized, "AuthenticationError")
	case r.Method == http.MethodPost && r.URL.Path == "/api/method/frappe.client.get_list":
		s.list(w, r)
	case r.Method == http.MethodPost && r.URL.Path == BookPath:
		s.book(w, r)
	default:
		http.NotFound(w, r)
	}
}

// fail answers as Frappe does: messages are JSON within JSON within JSON.
func fail(w http.ResponseWriter, status int, kind string, messages ...string) {
	entries := []string{}
	for _, m := range messages {
		entry, _ := json.Marshal(map[string]any{"message": m, "title": "Message", "indicator": "red"})
		entries = append(entries, string(entry))
	}
	list, _ := json.Marshal(entries)
	exception := "frappe.exceptions." + kind
	if len(messages) > 0 {
		exception = fmt.Sprintf("%s: %s", exception, messages[0])
	}
	fakeserver.JSON(w, status, map[string]string{"exc_type": kind, "exception": exception, "_server_messages": string(list)})
}

// row is a document in a list: its fields by name.
type row map[string]any

func (s *Site) list(w http.ResponseWriter, r *http.Request) {
	var q listRequest
	if err := fakeserver.DecodeBody(w, r, maxBody, &q); err != nil {
		fail(w, http.StatusInternalServerError, "JSONDecodeError", err.Error())
		return
	}
	s.mu.Lock()
	rows := s.rows(q.Doctype)
	s.mu.Unlock()
	out := []row{}
	for _, have := range rows {
		if matches(have, q.Filters) {
			out = append(out, have.choose(q.Fields))
		}
	}
	limit := pageLength
	if q.Limit != nil {
		limit = *q.Limit
	}
	if limit > 0 && len(out) > limit {
		out = out[:limit]
	}
	fakeserver.JSON(w, http.StatusOK, map[string][]row{"message": out})
}

// rows returns all documents of a type. The lock must be held.
func (s *Site) rows(doctype string) []row {
	var out []row
	switch doctype {
	case "Item":
		for _, name := range slices.Sorted(maps.Keys(s.items)) {
			it := s.items[name]
			r := row{
				"name": name, "item_code": name, "is_stock_item": number(!it.NoStock), "disabled": number(it.Disabled),
				"has_variants": number(it.Template), "has_serial_no": number(it.Serial), "has_batch_no": number(it.Batch),
			}
			for field, value := range it.Fields {
				r[field] = value
			}
			out = append(out, r)
		}
	case "Warehouse":
		for _, name := range slices.Sorted(maps.Keys(s.warehouses)) {
			have := s.warehouses[name]
			out = append(out, row{"name": name, "company": have.Company, "is_group": number(have.Group), "disabled": number(have.Disabled)})
		}
	case "Bin":
		for shelf, quantity := range s.bins {
			out = append(out, row{"item_code": shelf.Item, "warehouse": shelf.Warehouse, "actual_qty": quantity})
		}
	}
	return out
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

// choose returns some fields, renamed where a field says "a as b".
func (r row) choose(fields []string) row {
	out := row{}
	for _, field := range fields {
		name, as := field, field
		if n, err := fmt.Sscanf(field, "%s as %s", &name, &as); err != nil || n != 2 {
			name, as = field, field
		}
		out[as] = r[name]
	}
	return out
}

// matches reports whether a row meets all filters, with the operators = and in.
func matches(r row, filters [][3]json.RawMessage) bool {
	for _, f := range filters {
		var field, operator string
		if json.Unmarshal(f[0], &field) != nil || json.Unmarshal(f[1], &operator) != nil {
			return false
		}
		var wanted []string
		if operator == "=" {
			wanted = []string{""}
			_ = json.Unmarshal(f[2], &wanted[0])
		} else if json.Unmarshal(f[2], &wanted) != nil {
			return false
		}
		have, ok := r[field].(string)
		if !ok || !slices.ContainsFunc(wanted, func(want string) bool { return same(want, have) }) {
			return false
		}
	}
	return true
}
