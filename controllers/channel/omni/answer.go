package omni

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"strconv"

	"k8s.io/apimachinery/pkg/util/sets"

	"tallyman.dev/tallyman/controllers/channel"
)

// answer is what receivers send. Keys match without regard to case; one revision of the standard
// spells successList without its second c.
type answer struct {
	FailureList codes `json:"failureList"`
	SuccessList codes `json:"successList"`
	SucessList  codes `json:"sucessList"`
}

// failure is how a receiver fails a call that can only answer 200.
type failure struct {
	HasError     flag `json:"hasError"`
	ErrorMessage text `json:"errorMessage"`
}

// hasError finds the error in an answer of 2xx. The channel's words tell nothing of single SKUs:
// the call is worth a repetition.
func hasError(client *channel.HTTPClient, r *channel.Response) error {
	if !isObject(r.Body) || !json.Valid(r.Body) { // what is expected instead, the reader of the answer knows
		return nil
	}
	var f failure
	if err := client.Decode(r, &f); err != nil {
		return err
	}
	if f.HasError {
		return channel.NewError(channel.Retry, reasonChannelError, cmp.Or(string(f.ErrorMessage), "hasError without a message"))
	}
	return nil
}

// read turns an answer without error into a result. An empty answer, or one that is no JSON
// object, means success for all, by the standard.
func read(client *channel.HTTPClient, r *channel.Response, items []channel.Item) (channel.Result, error) {
	var a answer
	if !isObject(r.Body) {
		return channel.Result{}, nil
	}
	if err := client.Decode(r, &a); err != nil {
		return channel.Result{}, err
	}
	return resultOf(items, a.FailureList.set(), a.SuccessList.set().Union(a.SucessList.set())), nil
}

func isObject(body []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) }

// resultOf compares the lists with what was sent. Where the receiver lists what succeeded, what is
// in neither list has not been confirmed.
func resultOf(items []channel.Item, failed, confirmed sets.Set[string]) channel.Result {
	failures := map[int]*channel.Error{}
	for i, it := range items {
		switch {
		case failed.Has(it.SKU):
			failures[i] = channel.NewError(channel.Unconfirmed, channel.ReasonRefusedByChannel, "the channel lists the SKU as failed, and does not say why")
		case len(confirmed) > 0 && !confirmed.Has(it.SKU):
			failures[i] = channel.NotConfirmed("the channel lists the SKU neither as successful nor as failed")
		}
	}
	return channel.Result{Failures: failures}
}

var errNoCode = errors.New("an item of a list has no channelSkuCode")

// codes is a list of SKUs.
type codes []code

func (c codes) set() sets.Set[string] {
	out := sets.New[string]()
	for _, sku := range c {
		out.Insert(string(sku))
	}
	return out
}

// code is a SKU that a list holds by itself, or as an object that echoes the item.
type code string

// UnmarshalJSON implements json.Unmarshaler.
func (c *code) UnmarshalJSON(raw []byte) error {
	var plain text
	if string(raw) == "null" {
		return errNoCode // a failure of nobody knows what must not pass for success
	}
	if !isObject(raw) {
		err := json.Unmarshal(raw, &plain)
		*c = code(plain)
		return err
	}
	var echo struct {
		ChannelSKUCode *text `json:"channelSkuCode"`
	}
	if err := json.Unmarshal(raw, &echo); err != nil {
		return err
	}
	if echo.ChannelSKUCode == nil {
		return errNoCode
	}
	*c = code(*echo.ChannelSKUCode)
	return nil
}

// text is a string, which some receivers send as a number.
type text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *text) UnmarshalJSON(raw []byte) error {
	if number := json.Number(""); raw[0] != '"' && json.Unmarshal(raw, &number) == nil {
		*t = text(number)
		return nil
	}
	return json.Unmarshal(raw, (*string)(t))
}

// flag is a boolean, which some receivers send as a string or a number.
type flag bool

// UnmarshalJSON implements json.Unmarshaler.
func (f *flag) UnmarshalJSON(raw []byte) error {
	if string(raw) == "null" {
		return nil
	}
	value, err := strconv.ParseBool(string(bytes.Trim(raw, `"`)))
	*f = flag(value)
	return err
}
