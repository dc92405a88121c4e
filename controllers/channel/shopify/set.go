package shopify

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/google/uuid"

	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/graphql"
)

// maxSends is how often one Push sends its quantities, each time without the rows that failed before.
// Shopify may find one kind of error only when there is none of another.
const maxSends = 10

// keys is the namespace of the keys that calls are known by.
var keys = uuid.MustParse("4c5d0a0e-6d5e-4f0b-9f39-1f0f5e0d8c1b")

// set sends rows until they are all set or have failed. An error means that nothing has been set: a call
// succeeds or fails as a whole.
func (c *connector) set(ctx context.Context, batchKey string, rows []row, failures map[int]*channel.Error) error {
	burnt := false
	for range maxSends {
		if len(rows) == 0 {
			return nil
		}
		in := c.input(rows, batchKey)
		key, err := c.key(batchKey, in, burnt)
		if err != nil {
			return err
		}
		refusals, err := c.send(ctx, setVariables{Input: in, Key: key})
		if err != nil {
			return err
		}
		if len(refusals) == 0 {
			return nil
		}
		if burnt = refusals.burnt(); burnt {
			continue
		}
		if rows, err = c.sift(ctx, rows, refusals, failures); err != nil {
			return err
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return channel.NewError(channel.Rejected, reasonTooManyErrors, "the shop finds errors in the call again and again")
}

// key returns what Shopify knows a repetition by: the same for the same content, so that a call whose answer
// was lost is not made twice, and another for another content, which it would refuse. A key that Shopify does
// not take again is replaced by one that has never been.
func (c *connector) key(batchKey string, variables any, burnt bool) (string, error) {
	if !c.dialect.keyed {
		return "", nil
	}
	if burnt {
		fresh, err := uuid.NewRandom()
		return fresh.String(), err
	}
	content, err := json.Marshal(variables)
	if err != nil {
		return "", err
	}
	return uuid.NewSHA1(keys, append([]byte(batchKey+"\n"), content...)).String(), nil
}

func (c *connector) send(ctx context.Context, v setVariables) (refusals, error) {
	var data struct {
		Set *struct {
			UserErrors refusals `json:"userErrors"`
		} `json:"inventorySetQuantities"`
	}
	if _, err := c.api.Call(ctx, graphql.Request{Query: c.dialect.set, Variables: v}, &data); err != nil {
		return nil, err
	}
	if data.Set == nil || data.Set.UserErrors == nil {
		return nil, invalidAnswer("inventorySetQuantities.userErrors")
	}
	return data.Set.UserErrors, nil
}

// sift takes the rows out that a call was refused for, and returns those that are to be sent again.
func (c *connector) sift(ctx context.Context, rows []row, refusals refusals, failures map[int]*channel.Error) ([]row, error) {
	byRow := make(map[int]refusal, len(refusals))
	for _, r := range refusals {
		if i, ok := r.index(len(rows)); ok {
			byRow[i] = r
		}
	}
	if len(byRow) == 0 {
		return nil, c.whole(refusals[0])
	}
	out := make([]row, 0, len(rows))
	for i, r := range rows {
		refused, ok := byRow[i]
		switch {
		case !ok:
			out = append(out, r)
		case refused.Code == codeUnstocked && r.Quantity == 0:
			// None lie where the item is not stocked: that is what the row says.
		case refused.Code == codeUnstocked && c.activates() && !r.activated:
			failure, err := c.activate(ctx, r)
			if err != nil {
				return nil, err
			}
			if failure != nil {
				failures[r.Index] = failure
				continue
			}
			r.activated = true
			out = append(out, r)
		default:
			failures[r.Index] = c.failure(r, refused)
		}
	}
	return out, nil
}

// failure says what the refusal of a row means.
func (c *connector) failure(r row, refused refusal) *channel.Error {
	message := c.words(refused)
	switch refused.Code {
	case codeUnknownItem: // it was deleted since it was looked up
		c.targets.Forget(r.Target)
		return channel.NewError(channel.Retry, reasonStaleItem, message)
	case codeUnknownLocation:
		c.targets.Forget(r.Target)
		return noLocation(r.Code, 0)
	case codeUnstocked:
		return channel.NewError(channel.Unmapped, camelCase(refused.Code), message)
	}
	return channel.NewError(channel.Rejected, camelCase(refused.Code), message)
}

// whole says what an error means that no row is named for.
func (c *connector) whole(refused refusal) *channel.Error {
	class := channel.Rejected // the halves are tried alone
	switch refused.Code {
	case codeConcurrent:
		class = channel.Retry
	case codeInvalidName, codeInvalidReason, codeInvalidReference:
		class = channel.Terminal
	}
	return channel.NewError(class, camelCase(refused.Code), c.words(refused))
}

func (c *connector) words(refused refusal) string {
	if strings.TrimSpace(refused.Message) == "" {
		return "the shop refuses it and does not say why"
	}
	return c.api.HTTP.Redact(refused.Message)
}
