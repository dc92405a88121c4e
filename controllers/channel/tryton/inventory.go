package tryton

import (
	"context"

	"k8s.io/apimachinery/pkg/util/sets"

	"tallyman.dev/tallyman/controllers/channel"
)

// numberPrefix begins the number of every inventory that Tallyman creates. Tryton numbers only those
// that come without.
const numberPrefix = "tallyman "

// inventory is a stock count of one location, today by the server's clock.
type inventory struct {
	Location int64     `json:"location"`
	Company  int64     `json:"company"`
	Number   string    `json:"number"`
	Lines    []command `json:"lines"`
}

// command changes the lines of a document: "create", with a list of lines.
type command [2]any

// line is the counted quantity of one product.
type line struct {
	ID       int64   `json:"id,omitempty"`
	Product  int64   `json:"product"`
	Quantity float64 `json:"quantity"`
	// Expected is what Tryton thinks there is, as read before and as read back of the document. It is
	// never sent.
	Expected float64 `json:"expected_quantity,omitempty"`
}

// record is any document.
type record struct {
	ID int64 `json:"id"`
}

// count books lines at a location. Tryton books the difference of what is counted to what it expected
// when the document was created, so a line is taken out again where that is not what was just read:
// the products of such lines are returned.
func (c *connector) count(ctx context.Context, at int64, key string, lines []line) (moved sets.Set[int64], err error) {
	f := frame{Company: c.company.Load()}
	sent := make([]line, len(lines))
	for i, l := range lines {
		sent[i] = line{Product: l.Product, Quantity: l.Quantity}
	}
	document := inventory{Location: at, Company: f.Company, Number: numberPrefix + key, Lines: []command{{"create", sent}}}
	var created []int64
	if err := c.call(ctx, c.session.Do, &created, "model.stock.inventory.create", []inventory{document}, f); err != nil {
		return nil, err
	}
	if len(created) != 1 {
		return nil, channel.InvalidAnswer("one document was created, and the answer does not have one id")
	}
	moved, err = c.dropMoved(ctx, created[0], lines)
	if err == nil && moved.Len() < len(lines) {
		if err = c.call(ctx, c.session.Do, nil, "model.stock.inventory.confirm", created, f); err == nil {
			return moved, nil
		}
	}
	// Nobody shall confirm it later. If this fails, the next Push tries again.
	_ = c.remove(ctx, inventoryModel, created)
	return moved, err
}

// dropMoved takes the lines out of a document that expect another quantity than was read.
func (c *connector) dropMoved(ctx context.Context, document int64, lines []line) (moved sets.Set[int64], err error) {
	read := make(map[int64]float64, len(lines))
	for _, l := range lines {
		read[l.Product] = l.Expected
	}
	counted, err := search[line](ctx, c, "stock.inventory.line", frame{Company: c.company.Load()},
		[]string{"product", "quantity", "expected_quantity"}, clause{"inventory", "=", document})
	if err != nil {
		return nil, err
	}
	moved = sets.KeySet(read) // and not in the document at all, unless found
	var drop []int64
	for _, l := range counted {
		if was, ok := read[l.Product]; ok && was == l.Expected {
			moved.Delete(l.Product)
			continue
		}
		drop = append(drop, l.ID)
	}
	if len(drop) == 0 {
		return moved, nil
	}
	return moved, c.remove(ctx, "stock.inventory.line", drop)
}

// dropDrafts deletes the documents of a location that an earlier Push has created and not confirmed,
// because it was cut short: confirmed by a person later, they would set old quantities.
func (c *connector) dropDrafts(ctx context.Context, at int64) error {
	drafts, err := search[record](ctx, c, inventoryModel, frame{Company: c.company.Load()}, []string{"id"},
		clause{"number", "like", numberPrefix + "%"}, clause{"state", "=", "draft"}, clause{"location", "=", at})
	if err != nil || len(drafts) == 0 {
		return err
	}
	ids := make([]int64, len(drafts))
	for i, d := range drafts {
		ids[i] = d.ID
	}
	return c.remove(ctx, inventoryModel, ids)
}

func (c *connector) remove(ctx context.Context, model string, ids []int64) error {
	return c.ask(ctx, c.session.Do, nil, "model."+model+".delete", ids, frame{Company: c.company.Load()})
}
