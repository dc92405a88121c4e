package vendure

import (
	"context"
	"net/http"
	"testing"

	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/graphql"
)

// answered is a connector whose every call is answered with a body.
func answered(t testing.TB, body []byte) *connector {
	t.Helper()
	client, err := channel.NewHTTPClient(channel.Config{Channel: &inventoryv1alpha1.Channel{}, Clock: clock.RealClock{}})
	if err != nil {
		t.Fatal(err)
	}
	api := &graphql.Client{HTTP: client, Classify: classify, Do: func(context.Context, channel.Request) (*channel.Response, error) {
		return &channel.Response{Status: http.StatusOK, Body: body}, nil
	}}
	c := &connector{http: client, api: api}
	c.targets = c.newTargets()
	return c
}

// FuzzAnswer checks that no answer makes a decoder panic, and that each item is read or has failed.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"data":{"activeChannel":{"token":"t"},"globalSettings":{"trackInventory":true},"stockLocations":{"totalItems":1,"items":[{"id":"1","name":"L"}]},
		  "productVariants":{"totalItems":1,"items":[{"id":"1","sku":"A","trackInventory":"INHERIT","stockLevels":[{"stockLocationId":"1","stockOnHand":5,"stockAllocated":1}]}]},
		  "updateProductVariants":[null,{"id":"1","stockLevels":[{"stockLocationId":"1","stockOnHand":9}]}]}}`,
		`{"data":null,"errors":[{"message":"no","extensions":{"code":"FORBIDDEN"}}]}`, `{"data":{"productVariants":{"totalItems":9,"items":[]}}}`,
		`{"data":{"stockLocations":{"totalItems":1000000000,"items":[{"id":"1"}]}}}`,
		`{"data":{"me":{"channels":[{"permissions":["UpdateCatalog"]}]}}}`, `{}`, `{`,
	} {
		f.Add([]byte(seed))
	}
	b := channel.Batch{Mode: inventoryv1alpha1.LocationWise, Items: []channel.Item{{SKU: "A", Quantity: 9, LocationCode: "L"}}}
	f.Fuzz(func(t *testing.T, body []byte) {
		c := answered(t, body)
		if readings, err := c.Read(t.Context(), b); err == nil {
			if _, read := readings.Quantities[0]; read == (readings.Failures[0] != nil) {
				t.Errorf("%q: %+v", body, readings)
			}
		}
		result, err := c.Push(t.Context(), b)
		if e := channel.AsError(err); e != nil && (e.Reason == "" || e.Message == "" || len(result.Failures) != 0) {
			t.Errorf("%q: %+v, %+v", body, e, result)
		}
		_ = c.Probe(t.Context())
		_ = lapsed(&channel.Response{Status: http.StatusOK, Body: body}, nil)
	})
}
