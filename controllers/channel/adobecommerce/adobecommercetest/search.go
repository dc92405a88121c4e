package adobecommercetest

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/sets"

	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

// row is one answer to a search, by field.
type row map[string]any

// search answers a search in products, sources or source items.
func (s *Shop) search(w http.ResponseWriter, r *http.Request, path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	query := r.URL.Query()
	filters := readFilters(query)
	found := slices.DeleteFunc(s.rows(path), func(r row) bool { return !r.matches(filters) })
	size, err := strconv.Atoi(query.Get("searchCriteria[pageSize]"))
	if err != nil || size < 1 {
		size = max(1, len(found))
	}
	current, err := strconv.Atoi(query.Get("searchCriteria[currentPage]"))
	if err != nil {
		current = 1
	}
	last := max(1, (len(found)+size-1)/size)
	current = min(current, last) // beyond the last page, that comes again
	items := found[min(len(found), (current-1)*size):min(len(found), current*size)]
	fakeserver.JSON(w, http.StatusOK, map[string]any{"items": items, "search_criteria": map[string]any{}, "total_count": len(found)})
}

// rows are all that can be searched, in the order of their names.
func (s *Shop) rows(path string) []row {
	var out []row
	switch path {
	case "/V1/products":
		for _, p := range s.products {
			out = append(out, row{"id": p.ID, "sku": p.SKU, "type_id": p.Type})
		}
	case "/V1/inventory/sources":
		for _, code := range sets.List(s.sources) {
			out = append(out, row{"source_code": code, "enabled": true})
		}
	case "/V1/inventory/source-items":
		for at, stock := range s.stock {
			out = append(out, row{"sku": at.SKU, "source_code": at.Source, "quantity": stock.Quantity, "status": stock.Status})
		}
		slices.SortFunc(out, func(a, b row) int {
			return cmp.Compare(fmt.Sprint(a["sku"], a["source_code"]), fmt.Sprint(b["sku"], b["source_code"]))
		})
	}
	return out
}

// filter is one comparison: of a field with some values, in lower case.
type filter struct {
	field  string
	values sets.Set[string]
}

// readFilters returns the groups of filters. The database does not tell upper from lower case.
func readFilters(query url.Values) [][]filter {
	var out [][]filter
	for group := 0; ; group++ {
		var filters []filter
		for i := 0; ; i++ {
			at := fmt.Sprintf("searchCriteria[filter_groups][%d][filters][%d]", group, i)
			if !query.Has(at + "[field]") {
				break
			}
			values := []string{strings.ToLower(query.Get(at + "[value]"))}
			if query.Get(at+"[condition_type]") == "in" {
				values = strings.Split(values[0], ",")
			}
			filters = append(filters, filter{query.Get(at + "[field]"), sets.New(values...)})
		}
		if len(filters) == 0 {
			return out
		}
		out = append(out, filters)
	}
}

// matches reports whether a row matches one filter of every group.
func (r row) matches(groups [][]filter) bool {
	for _, filters := range groups {
		matches := func(f filter) bool {
			text, _ := r[f.field].(string)
			return f.values.Has(strings.ToLower(text))
		}
		if !slices.ContainsFunc(filters, matches) {
			return false
		}
	}
	return true
}
