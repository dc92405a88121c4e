package adobecommercetest

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

// States of an operation.
const (
	Complete = 1
	Retry    = 2
	Failed   = 3
	Open     = 4
	Rejected = 5
)

// failure is why something is refused.
type failure struct {
	status     int
	message    string
	parameters map[string]any
}

// validate refuses what the shop's validators refuse. Whether a product has the SKU is none of their business.
func (s *Shop) validate(items []SourceItem) *failure {
	if len(items) == 0 {
		return &failure{http.StatusBadRequest, "Input data is empty", nil}
	}
	for _, it := range items {
		text := ""
		switch {
		case strings.TrimSpace(it.SKU) == "":
			text = `"sku" can not be empty.`
		case strings.TrimSpace(it.SKU) != it.SKU:
			text = `"sku" can not contain leading or trailing spaces.`
		case it.SourceCode == "":
			text = `"source_code" can not be empty.`
		case it.Quantity == nil:
			text = `"quantity" should be numeric.`
		case it.Status == nil:
			text = `"status" should be numeric.`
		case *it.Status != 0 && *it.Status != 1:
			text = `"status" should a known status.`
		case s.refused.Has(it.SKU):
			text = `"sku" is not wanted.`
		}
		if text != "" {
			return &failure{http.StatusBadRequest, "Validation Failed: " + text, nil}
		}
	}
	return nil
}

// store stores all of some quantities or none.
func (s *Shop) store(items []SourceItem) *failure {
	if refused := s.validate(items); refused != nil {
		return refused
	}
	for _, it := range items {
		if !s.sources.Has(it.SourceCode) { // a foreign key in the database
			return &failure{http.StatusBadRequest, "Could not save Source Item", nil}
		}
	}
	for _, it := range items {
		s.stock[SourceSKU{it.SKU, it.SourceCode}] = Stock{*it.Quantity, *it.Status}
	}
	return nil
}

// save answers a call that stores quantities.
func (s *Shop) save(w http.ResponseWriter, items []SourceItem) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.limit > 0 && len(items) > s.limit {
		refuse(w, failure{http.StatusBadRequest, `Maximum items of type "%type" is %max`, map[string]any{
			"type": `\Magento\InventoryApi\Api\Data\SourceItemInterface`, "max": s.limit,
		}})
		return
	}
	if refused := s.store(items); refused != nil {
		refuse(w, *refused)
		return
	}
	s.Lose()
	fakeserver.JSON(w, http.StatusOK, []any{})
}

// bulk is a list of operations in the queue.
type bulk struct {
	uuid       string
	operations []*operation
}

type operation struct {
	ID            int          `json:"id"`
	Status        int          `json:"status"`
	ResultMessage string       `json:"result_message"`
	items         []SourceItem // nil where it was not queued
}

// queue answers a bulk: each list of items is an operation. The consumer works them off at once, unless it is
// stopped.
func (s *Shop) queue(w http.ResponseWriter, elements [][]SourceItem) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := &bulk{uuid: uuid.NewString()}
	requestItems := []any{}
	failed := false
	for i, items := range elements {
		if len(items) > 0 && s.unqueued.Has(items[0].SKU) {
			requestItems = append(requestItems, map[string]any{"id": i, "status": "rejected", "error_message": "Error processing element of input data"})
			failed = true
			continue
		}
		b.operations = append(b.operations, &operation{ID: i, Status: Open, items: items})
		requestItems = append(requestItems, map[string]any{"id": i, "data_hash": fmt.Sprintf("%x", i), "status": "accepted"})
	}
	s.bulks[b.uuid] = b
	s.order = append(s.order, b)
	if !s.stopped {
		s.consume(-1)
	}
	s.Lose()
	fakeserver.JSON(w, http.StatusAccepted, map[string]any{"bulk_uuid": b.uuid, "request_items": requestItems, "errors": failed})
}

// StopConsumer lets operations wait in the queue.
func (s *Shop) StopConsumer() { s.mu.Do(func() { s.stopped = true }) }

// StartConsumer works off what waits, and what comes.
func (s *Shop) StartConsumer() {
	s.mu.Do(func() {
		s.stopped = false
		s.consume(-1)
	})
}

// Consume works off some operations.
func (s *Shop) Consume(n int) { s.mu.Do(func() { s.consume(n) }) }

// Waiting is how many operations wait in the queue.
func (s *Shop) Waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, b := range s.order {
		for _, o := range b.operations {
			if o.Status == Open {
				n++
			}
		}
	}
	return n
}

// ForgetBulks deletes all bulks, as the shop does after a while.
func (s *Shop) ForgetBulks() { s.mu.Do(func() { s.bulks = map[string]*bulk{} }) }

// consume works off operations in their order; all of them if n is below zero.
func (s *Shop) consume(n int) {
	for _, b := range s.order {
		for _, o := range b.operations {
			if o.Status == Open && n != 0 {
				s.run(o)
				n--
			}
		}
	}
}

func (s *Shop) run(o *operation) {
	if how, ok := s.failing[o.items[0].SKU]; ok {
		o.Status, o.ResultMessage = how.Status, how.Message
		return
	}
	if refused := s.store(o.items); refused != nil {
		o.Status, o.ResultMessage = Failed, refused.message
		return
	}
	o.Status, o.ResultMessage = Complete, `Service execution success Magento\Inventory\Model\SourceItem\Command\SourceItemsSave::execute`
}

// status answers a question about a bulk.
func (s *Shop) status(w http.ResponseWriter, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.bulks[id]
	if b == nil {
		refuse(w, failure{http.StatusNotFound, "Bulk uuid %bulkUuid not exist", map[string]any{"bulkUuid": id}})
		return
	}
	fakeserver.JSON(w, http.StatusOK, map[string]any{"operations_list": b.operations, "bulk_id": id, "operation_count": len(b.operations)})
}
