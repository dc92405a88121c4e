package woocommercetest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

// gone is what the API says of an identifier that it does not know.
var gone = Refusal{"woocommerce_rest_product_invalid_id", "Invalid ID.", http.StatusBadRequest}

// batch answers a batch, of products or of the variations of one.
func (s *Shop) batch(w http.ResponseWriter, body batchBody, parent int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(body.Update) > s.limit {
		refuse(w, Refusal{
			"woocommerce_rest_request_entity_too_large",
			fmt.Sprintf("Unable to accept more than %d items for this request.", s.limit), http.StatusRequestEntityTooLarge,
		})
		return
	}
	answers := []any{}
	for _, u := range body.Update {
		p := s.find(u.ID)
		if p != nil && s.crashing.Has(p.SKU) {
			refuse(w, Refusal{"internal_server_error", "<p>There has been a critical error on this website.</p>", http.StatusInternalServerError})
			return
		}
		answers = append(answers, s.apply(p, u, parent))
	}
	if len(body.Update) > 0 {
		s.Lose()
	}
	if len(answers) == 0 {
		fakeserver.JSON(w, http.StatusOK, answers) // PHP has one kind of array
		return
	}
	fakeserver.JSON(w, http.StatusOK, pick(map[string]any{"update": answers}, body.Fields))
}

// apply makes one update, and returns its answer.
func (s *Shop) apply(p *Product, u Update, parent int64) any {
	switch {
	case p == nil:
		return refused(u.ID, gone)
	case parent == 0 && p.Type == Variation:
		return refused(u.ID, Refusal{
			"woocommerce_rest_invalid_product_id",
			"To manipulate product variations you should use the /products/&lt;product_id&gt;/variations/&lt;id&gt; endpoint.", http.StatusNotFound,
		})
	case s.refusals[p.SKU] != Refusal{}:
		return refused(u.ID, s.refusals[p.SKU])
	}
	if parent != 0 {
		p.Parent = parent // the controller moves a variation that is sent to another product
	}
	if u.ManageStock != nil && (!s.noStock || p.Type == Variation) {
		p.Managed = *u.ManageStock
	}
	if p.Type == Grouped || p.Type == External {
		p.Managed = false
	}
	switch {
	case !p.Managed:
		p.Quantity = 0 // dropped, and no error
	case u.StockQuantity != nil:
		p.Quantity = *u.StockQuantity
	}
	return s.show(p)
}

// show is a product as the API writes it.
func (s *Shop) show(p *Product) map[string]any {
	out := map[string]any{
		"id": p.ID, "name": "Product " + p.SKU, "type": p.Type, "sku": p.SKU, "parent_id": p.Parent,
		"manage_stock": false, "stock_quantity": nil, "stock_status": "instock", "description": strings.Repeat("x", s.padding),
	}
	parent := s.find(p.Parent)
	switch {
	case s.noStock && p.Type == Variation && p.Managed:
		out["stock_quantity"] = p.Quantity // it has the quantity, which does not count
	case s.noStock:
	case p.Managed:
		out["manage_stock"], out["stock_quantity"] = true, p.Quantity
		if p.Quantity <= 0 {
			out["stock_status"] = "outofstock"
		}
	case p.Type == Variation && parent != nil && parent.Managed:
		out["manage_stock"], out["stock_quantity"] = "parent", parent.Quantity
	}
	if p.OutOfStock && !p.Managed {
		out["stock_status"] = "outofstock"
	}
	return out
}

// pick leaves only some fields, named by paths, of an answer; all of them if none is named.
func pick(in map[string]any, paths []string) map[string]any {
	nested := map[string][]string{}
	for _, path := range paths {
		name, rest, _ := strings.Cut(strings.TrimSpace(path), ".")
		if name != "" {
			nested[name] = append(nested[name], rest)
		}
	}
	if len(nested) == 0 {
		return in
	}
	out := map[string]any{}
	for name, rest := range nested {
		switch value := in[name].(type) {
		case nil:
			if _, ok := in[name]; ok {
				out[name] = nil
			}
		case map[string]any:
			out[name] = pick(value, rest)
		case []any:
			out[name] = pickEntries(value, rest)
		default:
			out[name] = value
		}
	}
	return out
}

// pickEntries does with a list in an object what WordPress does: the index is a name.
func pickEntries(list []any, paths []string) []any {
	byIndex := map[string]any{}
	for i, entry := range list {
		byIndex[strconv.Itoa(i)] = entry
	}
	picked := pick(byIndex, paths)
	out := []any{}
	for i := range list {
		if entry, ok := picked[strconv.Itoa(i)]; ok {
			out = append(out, entry)
		}
	}
	return out
}

// pickEach picks fields of every entry of a list.
func pickEach(list []any, paths []string) []any {
	out := []any{}
	for _, entry := range list {
		out = append(out, pick(entry.(map[string]any), paths)) //nolint:forcetypeassert // rows are objects
	}
	return out
}

// refused is the answer to an update that failed.
func refused(id int64, why Refusal) any {
	return map[string]any{"id": id, "error": map[string]any{
		"code": why.Code, "message": why.Message, "data": map[string]any{"status": why.Status},
	}}
}

// Fail answers with an error of WordPress.
func Fail(why Refusal) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { refuse(w, why) })
}

func refuse(w http.ResponseWriter, why Refusal) {
	fakeserver.JSON(w, why.Status, map[string]any{"code": why.Code, "message": why.Message, "data": map[string]any{"status": why.Status}})
}
