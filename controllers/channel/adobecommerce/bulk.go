package adobecommerce

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"k8s.io/apimachinery/pkg/util/wait"

	"tallyman.dev/tallyman/controllers/channel"
)

// pollBackoff are the pauses between questions about a bulk.
var pollBackoff = wait.Backoff{Duration: time.Second, Factor: 1.5, Jitter: 0.1, Steps: 100, Cap: 15 * time.Second}

// States of an operation, which is one element of a bulk.
const (
	operationComplete = 1
	operationRetry    = 2
	operationFailed   = 3
	operationOpen     = 4
)

// accepted is the answer to a bulk.
type accepted struct {
	BulkUUID     string        `json:"bulk_uuid"`
	RequestItems []requestItem `json:"request_items"`
}

// requestItem reports whether an element was queued, by its index.
type requestItem struct {
	ID           int    `json:"id"`
	Status       string `json:"status"`
	ErrorMessage string `json:"error_message"`
}

// bulkStatus tells what became of a bulk.
type bulkStatus struct {
	OperationsList []operation `json:"operations_list"`
}

type operation struct {
	ID            int    `json:"id"` // the index of the element
	Status        int    `json:"status"`
	ResultMessage string `json:"result_message"`
}

func statusPath(bulk string) string { return "/V1/bulk/" + bulk + "/status" }

// pushBulk queues the quantities of a batch, and follows them. Two bulks are never under way at once, as the
// shop may work them off in any order: one that an earlier Push has not seen the end of is followed first. If it
// was for the same batch, it is not queued again.
func (c *connector) pushBulk(ctx context.Context, b channel.Batch) (channel.Result, error) {
	if err := c.turn.Acquire(ctx, 1); err != nil {
		return channel.Result{}, err //nolint:wrapcheck // that of the context
	}
	defer c.turn.Release(1)
	if p := c.pending; p != nil {
		if err := c.follow(ctx, p); err != nil {
			return channel.Result{}, err
		}
		if p.key != "" && p.key == b.IdempotencyKey {
			return channel.Result{Failures: p.failures}, nil
		}
	}
	p, err := c.begin(ctx, b)
	if err != nil {
		return channel.Result{}, err
	}
	if len(p.targets) > 0 {
		if err := c.queue(ctx, p); err != nil {
			return channel.Result{}, err
		}
		if err := c.follow(ctx, p); err != nil {
			return channel.Result{}, err
		}
	}
	return channel.Result{Failures: p.failures}, nil
}

// queue sends a bulk with one element for each quantity: an element fails alone.
func (c *connector) queue(ctx context.Context, p *push) error {
	body := make([]saveBody, len(p.targets))
	for i, t := range p.targets {
		body[i] = c.body([]target{t})
	}
	answer, err := c.call(ctx, channel.Request{Method: http.MethodPost, URL: bulkBase + itemsPath, Body: body})
	if err != nil {
		return err
	}
	if err := c.readAccepted(answer, p); err != nil {
		return err
	}
	c.pending = p
	return nil
}

// readAccepted notes what of a bulk was queued.
func (c *connector) readAccepted(answer *channel.Response, p *push) error {
	var in accepted
	if err := c.http.Decode(answer, &in); err != nil {
		return err
	}
	id, err := uuid.Parse(in.BulkUUID)
	if err != nil { // it becomes a part of an address
		return channel.InvalidAnswer("the answer to a bulk has no bulk_uuid")
	}
	p.bulk, p.waiting = id.String(), map[int]bool{}
	refused := map[int]string{}
	for _, it := range in.RequestItems {
		if it.Status == "accepted" {
			p.waiting[it.ID] = true
		} else {
			refused[it.ID] = it.ErrorMessage
		}
	}
	maps.DeleteFunc(p.waiting, func(i int, _ bool) bool { return i < 0 || i >= len(p.targets) })
	for i, t := range p.targets {
		message, isRefused := refused[i]
		switch {
		case isRefused:
			p.failures[t.Index] = channel.NewError(channel.Rejected, channel.ReasonRefusedByChannel, "not queued: "+c.http.Redact(message))
		case !p.waiting[i]:
			p.failures[t.Index] = channel.NotConfirmed("the shop does not say that the quantity was queued")
		}
	}
	return nil
}

// follow asks for a bulk until every operation has ended. If it cannot be followed to its end, the next Push
// goes on.
func (c *connector) follow(ctx context.Context, p *push) error {
	asked := false
	err := channel.Poll(ctx, c.clock, pollBackoff, func(ctx context.Context) (bool, error) {
		if len(p.waiting) == 0 {
			return true, nil
		}
		answer, err := c.call(ctx, channel.Request{Method: http.MethodGet, URL: statusPath(p.bulk)})
		if err != nil {
			return false, c.lost(answer, err)
		}
		asked = true
		err = c.readStatus(answer, p)
		return len(p.waiting) == 0, err
	})
	switch {
	case err == nil:
		c.pending = nil
		return nil
	case asked && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return channel.NewError(channel.Retry, reasonBulkPending, fmt.Sprintf(
			"the shop has queued %d quantities in bulk %s and not stored them yet: does its consumer async.operations.all run?", len(p.waiting), p.bulk))
	}
	return err //nolint:wrapcheck // that of a call, or of the context
}

// lost forgets a bulk that the shop does not know any more, and returns the error to give.
func (c *connector) lost(answer *channel.Response, err error) error {
	if answer == nil || answer.Status != http.StatusNotFound {
		return err
	}
	c.pending = nil
	return channel.NewError(channel.Retry, reasonBulkLost, "the shop knows nothing of a bulk that it has queued")
}

// readStatus notes which operations have ended. Those that have not begun may be missing.
func (c *connector) readStatus(answer *channel.Response, p *push) error {
	var in bulkStatus
	if err := c.http.Decode(answer, &in); err != nil {
		return err
	}
	for _, o := range in.OperationsList {
		if o.Status == operationOpen || !p.waiting[o.ID] {
			continue
		}
		delete(p.waiting, o.ID)
		if failure := c.operationError(o); failure != nil {
			p.failures[p.targets[o.ID].Index] = failure
		}
	}
	return nil
}

// operationError says what an operation that has ended means for its item; nil for success.
func (c *connector) operationError(o operation) *channel.Error {
	message := cmp.Or(c.http.Redact(o.ResultMessage), "the shop does not say why")
	switch {
	case o.Status == operationComplete:
		return nil
	case strings.Contains(o.ResultMessage, couldNotSaveMessage):
		return couldNotSave(message)
	case o.Status == operationFailed:
		return channel.NewError(channel.Rejected, channel.ReasonRefusedByChannel, message)
	case o.Status == operationRetry:
		return channel.NewError(channel.Unconfirmed, reasonOperationFailed, message)
	default:
		return channel.NewError(channel.Unconfirmed, reasonOperationFailed, fmt.Sprintf("the operation ended in state %d: %s", o.Status, message))
	}
}
