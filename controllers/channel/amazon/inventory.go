package amazon

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"

	"tallyman.dev/tallyman/controllers/channel"
)

// inventoryAnswers is the answer to batchInventory.
type inventoryAnswers struct {
	Responses []inventoryAnswer `json:"responses"`
}

// inventoryAnswer is the answer to one request of a batch.
type inventoryAnswer struct {
	Status struct {
		Code   int    `json:"statusCode"`
		Phrase string `json:"reasonPhrase"`
	} `json:"status"`
	Body struct {
		ClientSequenceNumber int64             `json:"clientSequenceNumber"`
		LocationID           string            `json:"locationId"`
		SKUID                string            `json:"skuId"`
		Sellable             channel.Quantity  `json:"sellableQuantity"`
		Reserved             channel.Quantity  `json:"reservedQuantity"`
		Errors               []actionableError `json:"actionableErrors"`
	} `json:"body"`
}

// actionableError is something that the seller has to put right.
type actionableError struct {
	Type    string `json:"errorType"`
	SubType string `json:"errorSubType"`
}

func readInventory(client *channel.HTTPClient, answer *channel.Response) (inventoryAnswers, error) {
	var out inventoryAnswers
	if err := client.Decode(answer, &out); err != nil {
		return inventoryAnswers{}, err
	}
	if len(out.Responses) == 0 {
		return inventoryAnswers{}, channel.InvalidAnswer("the answer has no responses")
	}
	return out, nil
}

// of returns the answer about each of the keys that were asked for; nil where there is none. Answers
// come in the order of the requests, but what an answer names counts more.
func (a inventoryAnswers) of(keys []inventoryKey) []*inventoryAnswer {
	index := make(map[inventoryKey]int, len(keys))
	for i, p := range keys {
		index[p] = i
	}
	out := make([]*inventoryAnswer, len(keys))
	for i := range a.Responses {
		r := &a.Responses[i]
		at, named := index[inventoryKey{r.Body.LocationID, r.Body.SKUID}]
		if !named && r.anonymous() && len(a.Responses) == len(keys) {
			at, named = i, true
		}
		if named && (out[at] == nil || out[at].anonymous()) {
			out[at] = r
		}
	}
	return out
}

// anonymous reports whether an answer does not name both SKU and location.
func (r *inventoryAnswer) anonymous() bool { return r.Body.SKUID == "" || r.Body.LocationID == "" }

// failure says what is wrong with a request; nil if nothing is.
func (r *inventoryAnswer) failure(client *channel.HTTPClient) *channel.Error {
	code := r.Status.Code
	if code >= 200 && code < 300 && len(r.Body.Errors) == 0 {
		return nil
	}
	message := client.Redact(r.describe())
	switch {
	case r.about("LOCATION"):
		return channel.NewError(channel.Unmapped, channel.ReasonUnknownLocation, message)
	case code == http.StatusNotFound, r.about("INVALID_SKU"):
		return channel.NewError(channel.Unmapped, channel.ReasonUnknownSKU, message)
	case code == http.StatusTooManyRequests:
		return channel.NewError(channel.Throttled, channel.ReasonThrottled, message)
	case code >= 500:
		return channel.NewError(channel.Retry, channel.StatusReason(code), message)
	case code == http.StatusUnauthorized, code == http.StatusForbidden, code < 200:
		return channel.NotConfirmed(message)
	}
	return channel.NewError(channel.Rejected, reasonInvalidInventory, message)
}

// about reports whether one of the errors has a word in its type.
func (r *inventoryAnswer) about(word string) bool {
	for _, e := range r.Body.Errors {
		if strings.Contains(e.Type, word) || strings.Contains(e.SubType, word) {
			return true
		}
	}
	return false
}

func (r *inventoryAnswer) describe() string {
	var all []string
	for _, e := range r.Body.Errors {
		all = append(all, strings.Trim(e.Type+": "+e.SubType, ": "))
	}
	return cmp.Or(strings.Join(all, "; "), strings.TrimSpace(strconv.Itoa(r.Status.Code)+" "+r.Status.Phrase))
}

// quantity is what Amazon was told last: what it sells, and what it has reserved for orders that it
// counts as part of that.
func (r *inventoryAnswer) quantity(client *channel.HTTPClient) (int64, *channel.Error) {
	if r.Body.Sellable.Known {
		return r.Body.Sellable.Units + r.Body.Reserved.Units, nil
	}
	if failure := r.failure(client); failure != nil {
		return 0, failure
	}
	return 0, channel.InvalidAnswer("Amazon's answer has no quantity")
}
