package shopifytest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

// maxBody bounds a call's body, in bytes.
const maxBody = 4 << 20

// maxCost is the most points that one query may cost.
const maxCost = 1000

// requiredSince is the version from which mutations need a key, and quantities say what they replace.
const requiredSince = "2026-04"

// Error is an error of a call.
type Error struct {
	Message    string          `json:"message"`
	Path       []string        `json:"path,omitempty"`
	Extensions ErrorExtensions `json:"extensions"`
}

// ErrorExtensions is what programs look at.
type ErrorExtensions struct {
	Code string `json:"code"`
}

// failure is a call's error.
func failure(code, format string, args ...any) *Error {
	return &Error{Message: fmt.Sprintf(format, args...), Extensions: ErrorExtensions{code}}
}

// answer is the response to a call.
type answer struct {
	Data       json.RawMessage `json:"data,omitempty"`
	Errors     []*Error        `json:"errors,omitempty"`
	Extensions extensions      `json:"extensions,omitzero"`
}

type extensions struct {
	Cost cost `json:"cost"`
}

type cost struct {
	Requested float64  `json:"requestedQueryCost"`
	Actual    *float64 `json:"actualQueryCost"`
	Throttle  throttle `json:"throttleStatus"`
}

type throttle struct {
	Maximum     float64 `json:"maximumAvailable"`
	Available   float64 `json:"currentlyAvailable"`
	RestoreRate float64 `json:"restoreRate"`
}

// ServeHTTP implements http.Handler.
func (s *Shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/admin/oauth/access_token" && r.Method == http.MethodPost {
		s.token(w, r)
		return
	}
	version, ok := strings.CutPrefix(r.URL.Path, "/admin/api/")
	version, ok2 := strings.CutSuffix(version, "/graphql.json")
	schema := Schemas()[version]
	switch {
	case !ok || !ok2 || r.Method != http.MethodPost || schema == nil:
		http.Error(w, `{"errors":"Not Found"}`, http.StatusNotFound)
	case !s.permits(r):
		http.Error(w, `{"errors":"[API] Invalid API key or access token (unrecognized login or wrong password)"}`, http.StatusUnauthorized)
	default:
		var in body
		if err := fakeserver.DecodeBody(w, r, maxBody, &in); err != nil {
			fakeserver.JSON(w, http.StatusOK, answer{Errors: []*Error{failure("BAD_REQUEST", "%v", err)}})
			return
		}
		fakeserver.JSON(w, http.StatusOK, s.answer(version, schema, in))
	}
}

// call is one operation with its variables.
type call struct {
	version   string
	root      *ast.Field
	mutation  bool
	variables map[string]any
	spared    float64 // points that are given back, as what was asked for is not there
}

// body is that of a call.
type body struct {
	Query     string          `json:"query"`
	Variables json.RawMessage `json:"variables"`
}

func (s *Shop) answer(version string, schema *ast.Schema, in body) answer {
	c, err := validate(version, schema, in.Query, in.Variables)
	if err != nil {
		s.Record(Call{Version: version, Query: in.Query, Variables: string(in.Variables)})
		return answer{Errors: []*Error{err}}
	}
	s.Record(Call{version, c.root.Name, in.Query, string(in.Variables)})
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.charge(c)
}

// validate checks a call against the schema.
func validate(version string, schema *ast.Schema, query string, variables json.RawMessage) (*call, *Error) {
	document, errs := gqlparser.LoadQueryWithRules(schema, query, rules.NewDefaultRules())
	if len(errs) > 0 {
		return nil, failure("undefinedField", "%v", errs)
	}
	if len(document.Operations) != 1 || len(document.Operations[0].SelectionSet) != 1 {
		return nil, failure("INTERNAL_SERVER_ERROR", "this shop answers one operation with one field only")
	}
	operation := document.Operations[0]
	values := map[string]any{}
	if len(variables) > 0 {
		if err := json.Unmarshal(variables, &values); err != nil {
			return nil, failure("INVALID_VARIABLE", "%v", err)
		}
	}
	coerced, err := validator.VariableValues(schema, operation, values)
	if err != nil {
		return nil, failure("INVALID_VARIABLE", "%v", err)
	}
	root, ok := operation.SelectionSet[0].(*ast.Field)
	if !ok {
		return nil, failure("INTERNAL_SERVER_ERROR", "this shop knows no fragments here")
	}
	return &call{version: version, root: root, mutation: operation.Operation == ast.Mutation, variables: coerced}, nil
}

// charge takes the cost of a call from the bucket, and makes it. The lock must be held.
func (s *Shop) charge(c *call) answer {
	now := s.clock.Now()
	s.bucket.fill(now)
	requested := c.cost()
	out := answer{Extensions: extensions{cost{Requested: requested}}}
	switch {
	case requested > maxCost:
		out.Errors = []*Error{failure("MAX_COST_EXCEEDED", "Query cost is %v, which exceeds the single query max cost limit (%v).", requested, maxCost)}
	case s.bucket.points < requested:
		out.Errors = []*Error{failure("THROTTLED", "Throttled")}
	default:
		data, err := s.execute(c)
		actual := requested - c.spared
		s.bucket.points -= actual
		out.Extensions.Cost.Actual = &actual
		if err != nil {
			out.Errors = []*Error{err}
			data = json.RawMessage("null")
		}
		out.Data, _ = json.Marshal(map[string]json.RawMessage{c.root.Alias: data})
	}
	out.Extensions.Cost.Throttle = throttle{s.bucket.size, s.bucket.points, s.bucket.rate}
	return out
}

// cost is what a call is charged, roughly as Shopify does: 10 for a mutation, 1 for an object.
func (c *call) cost() float64 {
	var args struct {
		First int      `json:"first"`
		IDs   []string `json:"ids"`
	}
	if c.mutation {
		return 10
	}
	_ = arguments(c.root, c.variables, &args) // the schema has been checked
	return float64(1 + args.First + 3*len(args.IDs))
}

// execute returns what the field of a call stands for. The lock must be held.
func (s *Shop) execute(c *call) (json.RawMessage, *Error) {
	run := map[string]func(*call) (any, *Error){
		"currentAppInstallation": s.appInstallation,
		"inventoryItems":         s.inventoryItems,
		"locations":              s.listLocations,
		"nodes":                  s.nodes,
		"inventoryActivate":      s.keyed(s.activate),
		"inventorySetQuantities": s.keyed(s.setQuantities),
	}[c.root.Name]
	if run == nil {
		return nil, failure("INTERNAL_SERVER_ERROR", "this shop does not know %s", c.root.Name)
	}
	result, failed := run(c)
	if failed != nil {
		return nil, failed
	}
	full, err := json.Marshal(result)
	if err != nil {
		return nil, failure("INTERNAL_SERVER_ERROR", "%v", err)
	}
	selected, err := project(c.root.SelectionSet, full)
	if err != nil {
		return nil, failure("INTERNAL_SERVER_ERROR", "%v", err)
	}
	return selected, nil
}
