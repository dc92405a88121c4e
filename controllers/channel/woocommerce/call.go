package woocommerce

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"

	"tallyman.dev/tallyman/controllers/channel"
)

// failure is an error as WordPress writes it.
type failure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Data    detail `json:"data"`
}

// detail is what WordPress adds to an error: an object with a status, and sometimes nothing, or an empty list.
type detail struct {
	Status int
}

// UnmarshalJSON implements json.Unmarshaler.
func (d *detail) UnmarshalJSON(raw []byte) error {
	var object struct {
		Status int `json:"status"`
	}
	*d = detail{}
	if json.Unmarshal(raw, &object) == nil { // anything else says nothing of the error
		d.Status = object.Status
	}
	return nil
}

// call makes a request to a path of the API, with parameters added to it.
func (c *connector) call(ctx context.Context, r channel.Request, parameters url.Values) (*channel.Response, error) {
	query := url.Values{}
	maps.Copy(query, c.query)
	maps.Copy(query, parameters)
	r.URL = c.api + r.URL
	if len(query) > 0 {
		r.URL += "?" + query.Encode()
	}
	r.Header = c.header
	answer, err := c.http.Do(ctx, r)
	return answer, explain(answer, err)
}

// explain tells WordPress's errors from those of what stands in front of it. PHP may crash over some product, or over
// the length of a call.
func explain(answer *channel.Response, err error) error {
	if err == nil || answer == nil {
		return err
	}
	var f failure
	byWordPress := json.Unmarshal(answer.Body, &f) == nil && f.Code != ""
	e := channel.AsError(err).InFront(answer.Status, byWordPress)
	if answer.Status == http.StatusInternalServerError && f.Code == "internal_server_error" {
		return e.WithReason(reasonShopCrashed)
	}
	return e
}
