package erpnext

import (
	"context"
	"regexp"
	"slices"
	"strconv"

	"tallyman.dev/tallyman/controllers/channel"
)

// document is a Stock Reconciliation. It is inserted as submitted, in one transaction: nothing is left
// behind of one that fails. The site sets the time of posting.
type document struct {
	Purpose        string        `json:"purpose"`
	Company        string        `json:"company"`
	ExpenseAccount string        `json:"expense_account,omitempty"`
	CostCenter     string        `json:"cost_center,omitempty"`
	Docstatus      int           `json:"docstatus"`
	Items          []documentRow `json:"items"`
}

type documentRow struct {
	ItemCode  string `json:"item_code"`
	Warehouse string `json:"warehouse"`
	Qty       int64  `json:"qty"`
}

// submitted is the docstatus of a document that counts.
const submitted = 1

// reconciliation books a batch.
type reconciliation struct {
	*connector
	failures map[int]*channel.Error // by index in the batch
}

// book books targets, which are the rows of one document. If that is refused because of some
// rows, these are booked alone, and the others together once more.
//
// A row is never refused on the word of a longer document: ERPNext leaves out rows that change nothing
// before it counts them, so that the number it reports may be that of a later row.
func (r *reconciliation) book(ctx context.Context, rows []target) error {
	if len(rows) == 0 {
		return nil
	}
	answer, err := r.post(ctx, "/api/resource/Stock%20Reconciliation", r.document(rows))
	if err == nil {
		return r.check(answer)
	}
	if answer == nil {
		return err
	}
	f := r.readFault(answer)
	if f.kind == nothingToDo {
		return nil
	}
	e := channel.AsError(err)
	if e.Class != channel.Rejected {
		return err
	}
	if len(rows) == 1 {
		r.refuse(rows[0], f, e)
		return nil
	}
	suspects, others := split(rows, f.rows())
	if len(suspects) == 0 {
		return err // the lane tries the halves
	}
	for _, row := range suspects {
		if err := r.book(ctx, []target{row}); err != nil {
			return err
		}
	}
	return r.book(ctx, others)
}

// check makes sure that a document counts.
func (r *reconciliation) check(answer *channel.Response) error {
	var body struct {
		Data struct {
			Docstatus *int `json:"docstatus"`
		} `json:"data"`
	}
	if err := r.http.Decode(answer, &body); err != nil {
		return err
	}
	if status := body.Data.Docstatus; status == nil || *status != submitted {
		return channel.NewError(channel.Retry, reasonNotSubmitted, "the site has taken the Stock Reconciliation, but not submitted it")
	}
	return nil
}

func (r *reconciliation) document(rows []target) document {
	out := document{
		Purpose: "Stock Reconciliation", Company: r.spec.Company, ExpenseAccount: r.spec.ExpenseAccount,
		CostCenter: r.spec.CostCenter, Docstatus: submitted, Items: make([]documentRow, len(rows)),
	}
	for i, row := range rows {
		out.Items[i] = documentRow{row.Found.name, row.Location.name, row.Quantity}
	}
	return out
}

// refuse fails an item. What is remembered of it may be why: it is looked up again.
func (r *reconciliation) refuse(row target, f fault, e *channel.Error) {
	r.targets.Forget(row)
	if f.kind == noSuchDocument {
		e = channel.NewError(channel.Unmapped, channel.ReasonUnknownSKU, e.Message)
	}
	r.failures[row.Index] = e
}

// rowNumber finds rows in what ERPNext says: "Row # 3:", "Row #3:", "at row 3".
var rowNumber = regexp.MustCompile(`(?i)\brow\s*#?\s*(\d{1,6})\b`)

// rows returns the numbers of rows that a message names, which begin at 1.
func (f fault) rows() []int {
	var out []int
	for _, match := range rowNumber.FindAllStringSubmatch(f.words, -1) {
		if n, err := strconv.Atoi(match[1]); err == nil {
			out = append(out, n)
		}
	}
	return out
}

// split divides rows into those of some numbers, and the others.
func split(rows []target, numbers []int) (suspects, others []target) {
	for i, row := range rows {
		if slices.Contains(numbers, i+1) {
			suspects = append(suspects, row)
		} else {
			others = append(others, row)
		}
	}
	return suspects, others
}

// unique returns names sorted, each once.
func unique(names []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(names)))
}
