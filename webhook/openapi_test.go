package webhook

import (
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// api is the document that the ingress serves, ready to validate with.
var api = loadAPI()

func loadAPI() routers.Router {
	doc, err := openapi3.NewLoader().LoadFromData(openAPI)
	if err != nil {
		panic(err) // no test can go on
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		panic(err)
	}
	return router
}

func TestOpenAPIIsValid(t *testing.T) {
	t.Parallel()
	doc, err := openapi3.NewLoader().LoadFromData(openAPI)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Error(err)
	}
	for _, rt := range new(Server).routes() {
		if item := doc.Paths.Value(rt.path); item == nil || item.GetOperation(rt.method) == nil {
			t.Errorf("the document lacks %s %s", rt.method, rt.path)
		}
	}
	resp := newHarness(t).do(t, call{method: http.MethodGet, path: "/openapi.json"})
	if got := text(t, resp); resp.StatusCode != http.StatusOK || got != strings.TrimSpace(string(openAPI)) {
		t.Errorf("GET /openapi.json: status %d, %d bytes", resp.StatusCode, len(got))
	}
}

// validate checks an answer against the document, and the request too where all of it was accepted.
func validate(t *testing.T, c call, resp *http.Response, body string) {
	t.Helper()
	request := c.request(t.Context())
	if resp.StatusCode == http.StatusMethodNotAllowed {
		request.Method = resp.Header.Get("Allow") // the document has the answer with the right method
	}
	route, params, err := api.FindRoute(request)
	if err != nil {
		t.Fatalf("the document has no %s %s: %v", request.Method, request.URL.Path, err)
	}
	in := &openapi3filter.RequestValidationInput{
		Request: request, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true},
	}
	strict := resp.StatusCode == http.StatusOK && strings.Contains(body, `"failures":[]`) &&
		!strings.Contains(c.body, ", }") && c.header["Content-Encoding"] == "" && !strings.Contains(c.body, "QUANTITY")
	if _, changed := c.header["Content-Type"]; strict && !changed {
		if err := openapi3filter.ValidateRequest(t.Context(), in); err != nil {
			t.Errorf("the request is not of the document: %v", err)
		}
	}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: resp.StatusCode, Header: resp.Header, Options: in.Options}
	out.SetBodyBytes([]byte(body))
	if err := openapi3filter.ValidateResponse(t.Context(), out); err != nil {
		t.Errorf("the answer is not of the document: %v", err)
	}
}
