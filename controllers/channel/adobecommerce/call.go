package adobecommerce

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sort"
	"strconv"
	"strings"

	"tallyman.dev/tallyman/controllers/channel"
)

const (
	// tooManyMessage begins what the shop says of a list that is longer than its input limit.
	tooManyMessage = "Maximum items of type"

	// couldNotSaveMessage is what the shop says of everything that goes wrong in its database: a source
	// that does not exist, a quantity that is too large, and two calls that lock each other out.
	couldNotSaveMessage = "Could not save Source Item"
)

// failure is an error as the shop writes it: a text with names or numbers after percent signs, for which
// the parameters stand.
type failure struct {
	Message    string     `json:"message"`
	Parameters parameters `json:"parameters"`
}

// parameters are an object, or a list whose first entry is called 1.
type parameters map[string]any

// UnmarshalJSON implements json.Unmarshaler. What is neither is left out.
func (p *parameters) UnmarshalJSON(raw []byte) error {
	*p = parameters{}
	var list []any
	if json.Unmarshal(raw, &list) != nil {
		_ = json.Unmarshal(raw, (*map[string]any)(p)) // the text is shown without them
		return nil
	}
	for i, value := range list {
		(*p)[strconv.Itoa(i+1)] = value
	}
	return nil
}

// text is the message with its parameters.
func (f failure) text() string {
	names := make([]string, 0, len(f.Parameters))
	for name := range f.Parameters {
		names = append(names, name)
	}
	sort.Slice(names, func(i, j int) bool { return len(names[i]) > len(names[j]) }) // %10 before %1
	var pairs []string
	for _, name := range names {
		pairs = append(pairs, "%"+name, fmt.Sprint(f.Parameters[name]))
	}
	return strings.NewReplacer(pairs...).Replace(f.Message)
}

// most is the input limit that the error tells; 0 for any other error.
func (f failure) most() int {
	if limit, ok := f.Parameters["max"].(float64); ok && strings.HasPrefix(f.Message, tooManyMessage) {
		return int(limit)
	}
	return 0
}

// call makes a request to a path of the API.
func (c *connector) call(ctx context.Context, r channel.Request) (*channel.Response, error) {
	r.URL = c.rest + r.URL
	r.Header = c.header
	answer, err := c.http.Do(ctx, r)
	if err == nil || answer == nil {
		return answer, err
	}
	e := channel.AsError(err)
	f, byShop := readFailure(answer)
	if byShop {
		e = e.WithMessage(fmt.Sprintf("%d %s: %s", answer.Status, http.StatusText(answer.Status), c.http.Redact(f.text())))
	}
	return answer, e.InFront(answer.Status, byShop)
}

// readFailure reads the shop's own error; false for an answer of something else.
func readFailure(answer *channel.Response) (failure, bool) {
	var f failure
	if answer == nil || json.Unmarshal(answer.Body, &f) != nil {
		return failure{}, false
	}
	return f, f.Message != ""
}
