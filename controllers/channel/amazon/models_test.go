package amazon_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Amazon's own models of the APIs that the connector calls.
const (
	listingsModel  = "listingsItems_2021-08-01.json"
	feedsModel     = "feeds_2021-06-30.json"
	inventoryModel = "externalFulfillmentInventory_2024-09-11.json"
	feedSchema     = "listings-feed-schema-v2.json"
	messageSchema  = "listings-feed-message-schema-v2.json"
	reportSchema   = "listings-feed-processing-report-schema-v2.json"
)

// models are all of them, read once.
var models = sync.OnceValue(func() *official {
	m := &official{schemas: map[string]*jsonschema.Schema{}, docs: map[string]*openapi3.T{}}
	for _, name := range []string{listingsModel, feedsModel, inventoryModel} {
		doc := convert(name)
		router, err := gorillamux.NewRouter(doc)
		must(err)
		m.routers, m.docs[name] = append(m.routers, router), doc
	}
	compiler := jsonschema.NewCompiler()
	for _, name := range []string{feedSchema, messageSchema, reportSchema} {
		schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(readModel(name)))
		must(err)
		must(compiler.AddResource(name, schema))
		m.schemas[name], err = compiler.Compile(name)
		must(err)
	}
	return m
})

func must(err error) {
	if err != nil {
		panic(err) // no test can go on
	}
}

func readModel(name string) []byte {
	content, err := os.ReadFile(filepath.Join("testdata", "models", name))
	must(err)
	return content
}

// convert reads a Swagger 2 model as OpenAPI 3. Where it is served does not matter.
func convert(name string) *openapi3.T {
	var v2 openapi2.T
	must(json.Unmarshal(readModel(name), &v2))
	for _, item := range v2.Paths {
		for _, operation := range item.Operations() {
			for _, p := range operation.Parameters {
				if p.In == "query" && p.CollectionFormat == "" {
					p.CollectionFormat = "csv" // what Swagger 2 means where a model says nothing; OpenAPI 3 means another
				}
			}
		}
	}
	doc, err := openapi2conv.ToV3(&v2)
	must(err)
	doc.Servers = nil
	return doc
}

type official struct {
	routers []routers.Router
	docs    map[string]*openapi3.T
	schemas map[string]*jsonschema.Schema
}

// route finds the operation of a request.
func (m *official) route(req *http.Request) (*openapi3filter.RequestValidationInput, error) {
	for _, router := range m.routers {
		route, params, err := router.FindRoute(req)
		if err == nil {
			return &openapi3filter.RequestValidationInput{
				Request: req, PathParams: params, Route: route,
				Options: &openapi3filter.Options{IncludeResponseStatus: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
			}, nil
		}
	}
	return nil, fmt.Errorf("no model has %s %s", req.Method, req.URL.EscapedPath())
}

// validate checks content against one of the JSON schemas.
func (m *official) validate(schema string, content []byte) error {
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
	if err != nil {
		return err
	}
	return m.schemas[schema].Validate(instance)
}

// checked puts the models around a handler: every request to it and every answer has to fit them, but for
// answers that are meant to be wrong.
func checked(t *testing.T, h http.Handler, wrong func() bool) http.Handler {
	t.Helper()
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/auth/o2/token" || wrong() {
			h.ServeHTTP(w, req)
			return
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Errorf("read a request: %v", err)
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
		if strings.HasPrefix(req.URL.Path, "/storage/") {
			checkDocument(t, h, w, req, body)
			return
		}
		in, err := models().route(req)
		if err != nil {
			t.Error(err)
			h.ServeHTTP(w, req)
			return
		}
		if err := openapi3filter.ValidateRequest(req.Context(), in); err != nil {
			t.Errorf("%s %s %s is not of the model: %v", req.Method, req.URL, body, err)
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
		recorder := httptest.NewRecorder()
		h.ServeHTTP(recorder, req)
		out := &openapi3filter.ResponseValidationInput{
			RequestValidationInput: in, Status: recorder.Code, Header: recorder.Header(), Options: in.Options,
		}
		out.SetBodyBytes(recorder.Body.Bytes())
		if err := openapi3filter.ValidateResponse(req.Context(), out); err != nil && !wrong() {
			t.Errorf("the answer %d %s to %s %s is not of the model: %v", recorder.Code, recorder.Body, req.Method, req.URL, err)
		}
		replay(w, recorder)
	})
}

func replay(w http.ResponseWriter, recorder *httptest.ResponseRecorder) {
	maps.Copy(w.Header(), recorder.Header())
	w.WriteHeader(recorder.Code)
	_, _ = w.Write(recorder.Body.Bytes())
}

// checkDocument checks feeds as they are uploaded.
func checkDocument(t *testing.T, h http.Handler, w http.ResponseWriter, req *http.Request, body []byte) {
	t.Helper()
	if req.Method == http.MethodPut {
		if err := models().validate(feedSchema, body); err != nil {
			t.Errorf("the feed %s is not of the schema: %v", body, err)
		}
	}
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, req)
	if req.Method == http.MethodGet && recorder.Code == http.StatusOK && bytes.HasPrefix(recorder.Body.Bytes(), []byte("{")) {
		if err := models().validate(reportSchema, recorder.Body.Bytes()); err != nil {
			t.Errorf("the report %s is not of the schema: %v", recorder.Body, err)
		}
	}
	replay(w, recorder)
}
