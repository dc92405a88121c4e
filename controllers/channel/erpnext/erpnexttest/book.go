package erpnexttest

import (
	"fmt"
	"net/http"
	"strings"

	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

// Document is a Stock Reconciliation.
type Document struct {
	Purpose        string        `json:"purpose"`
	Company        string        `json:"company"`
	ExpenseAccount string        `json:"expense_account"`
	CostCenter     string        `json:"cost_center"`
	Docstatus      int           `json:"docstatus"`
	Items          []DocumentRow `json:"items"`
}

// DocumentRow is the counted quantity of an item in a warehouse.
type DocumentRow struct {
	ItemCode  string  `json:"item_code"`
	Warehouse string  `json:"warehouse"`
	Qty       float64 `json:"qty"`
}

func (r DocumentRow) shelf() Shelf { return Shelf{r.ItemCode, r.Warehouse} }

// refusal is why a document is not valid.
type refusal struct {
	kind     string
	messages []string
}

func (s *Site) book(w http.ResponseWriter, r *http.Request) {
	var doc Document
	if err := fakeserver.DecodeBody(w, r, maxBody, &doc); err != nil {
		fail(w, http.StatusInternalServerError, "JSONDecodeError", err.Error())
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if no := s.validate(&doc); no != nil {
		fail(w, http.StatusExpectationFailed, no.kind, no.messages...)
		return
	}
	if s.draft {
		doc.Docstatus = 0
	}
	if doc.Docstatus == 1 {
		for _, row := range doc.Items {
			s.bins[row.shelf()], s.counted[row.shelf()] = row.Qty, true
		}
		s.documents = append(s.documents, doc)
	}
	s.Lose()
	fakeserver.JSON(w, http.StatusOK, map[string]Document{"data": doc})
}

// validate checks a document in the order of the real one: links, then rows that change nothing, which are
// left out, then the rows that remain, by their new numbers. The lock must be held.
func (s *Site) validate(doc *Document) *refusal {
	if missing := s.links(*doc); len(missing) > 0 {
		return &refusal{"LinkValidationError", []string{"Could not find " + strings.Join(missing, ", ")}}
	}
	var changed []DocumentRow
	for _, row := range doc.Items {
		if row.Qty != s.bins[row.shelf()] {
			changed = append(changed, row)
		}
	}
	if len(changed) == 0 {
		for _, row := range doc.Items {
			s.counted[row.shelf()] = true
		}
		return &refusal{"EmptyStockReconciliationItemsError", []string{"None of the items have any change in quantity or value."}}
	}
	doc.Items = changed
	if bad := s.check(changed); len(bad) > 0 {
		return &refusal{"ValidationError", bad}
	}
	for i, row := range changed {
		if s.items[row.ItemCode].Worthless && row.Qty != 0 {
			return &refusal{"ValidationError", []string{fmt.Sprintf("Valuation Rate required for Item <b>%s</b> at row %d", row.ItemCode, i+1)}}
		}
	}
	return nil
}

// links returns what a document names and does not exist.
func (s *Site) links(doc Document) []string {
	var missing []string
	if doc.Company != Company {
		missing = append(missing, "Company: "+doc.Company)
	}
	for i, row := range doc.Items {
		if _, ok := s.items[row.ItemCode]; !ok {
			missing = append(missing, fmt.Sprintf("Row #%d: Item Code: %s", i+1, row.ItemCode))
		}
		if _, ok := s.warehouses[row.Warehouse]; !ok {
			missing = append(missing, fmt.Sprintf("Row #%d: Warehouse: %s", i+1, row.Warehouse))
		}
	}
	return missing
}

// check returns what is wrong with rows.
func (s *Site) check(rows []DocumentRow) []string {
	var bad []string
	seen := map[Shelf]bool{}
	for i, row := range rows {
		if seen[row.shelf()] {
			bad = append(bad, fmt.Sprintf("Row # %d: Duplicate entry", i+1))
		}
		seen[row.shelf()] = true
		if why := s.items[row.ItemCode].Refused; why != "" {
			bad = append(bad, fmt.Sprintf("Row # %d: %s", i+1, why))
		}
		if row.Qty < 0 {
			bad = append(bad, fmt.Sprintf("Row # %d: Negative Quantity is not allowed", i+1))
		}
	}
	return bad
}
