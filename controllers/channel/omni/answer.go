package omni

import (
	"bytes"
	"encoding/json"

	"tallyman.dev/tallyman/controllers/channel"
)

// answer is what receivers send. Keys match without regard to case; one revision of the standard
// spells successList without its second c.
type answer struct {
	FailureList json.RawMessage `json:"failureList"`
	SuccessList json.RawMessage `json:"successList"`
	SucessList  json.RawMessage `json:"sucessList"`

	// HasError is how a receiver fails a call that can only answer 200.
	HasError     bool   `json:"hasError"`
	ErrorMessage string `json:"errorMessage"`
}

// read turns an answer of 2xx into a result. An empty answer, or one that is no JSON object, means
// success for all, by the standard.
func (c *connector) read(r *channel.Response, batch channel.Batch) (channel.Result, error) {
	var a answer
	body := bytes.TrimSpace(r.Body)
	if len(body) == 0 || body[0] != '{' {
		return channel.Result{}, nil
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return channel.Result{}, channel.NewError(channel.Retry, "InvalidAnswer", "the answer is not the JSON of the standard: "+c.http.Redact(err.Error()))
	}
	if a.HasError {
		return channel.Result{}, channel.NewError(channel.Retry, "ChannelError", c.http.Redact(a.ErrorMessage))
	}
	failed, failedOK := codes(a.FailureList)
	confirmed, confirmedOK := codes(a.SuccessList)
	misspelt, misspeltOK := codes(a.SucessList)
	if !failedOK || !confirmedOK || !misspeltOK {
		return channel.Result{}, channel.NewError(channel.Retry, "InvalidAnswer", "the lists of the answer are neither of strings nor of objects with channelSkuCode")
	}
	for sku := range misspelt {
		confirmed[sku] = true
	}
	return verdicts(batch, failed, confirmed), nil
}

// verdicts compares the lists with what was sent. Where the receiver lists what succeeded, what is
// in neither list has not been confirmed.
func verdicts(batch channel.Batch, failed, confirmed map[string]bool) channel.Result {
	failures := map[int]*channel.Error{}
	for i, it := range batch.Items {
		switch {
		case failed[it.SKU]:
			failures[i] = channel.NewError(channel.Unconfirmed, "RefusedByChannel", "the channel lists the SKU as failed, and does not say why")
		case len(confirmed) > 0 && !confirmed[it.SKU]:
			failures[i] = channel.NewError(channel.Unconfirmed, "NotConfirmed", "the channel lists the SKU neither as successful nor as failed")
		}
	}
	return channel.Result{Failures: failures}
}

// codes reads a list of strings, or of objects that echo the items. It returns false for anything else.
func codes(raw json.RawMessage) (map[string]bool, bool) {
	out := map[string]bool{}
	if len(raw) == 0 {
		return out, true
	}
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil {
		return nil, false
	}
	for _, item := range items {
		var sku string
		if json.Unmarshal(item, &sku) != nil {
			var echo struct {
				ChannelSKUCode *string `json:"channelSkuCode"`
			}
			if json.Unmarshal(item, &echo) != nil || echo.ChannelSKUCode == nil {
				return nil, false
			}
			sku = *echo.ChannelSKUCode
		}
		out[sku] = true
	}
	return out, true
}
