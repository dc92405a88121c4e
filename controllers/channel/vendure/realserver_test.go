package vendure_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/fakeserver"
	"tallyman.dev/tallyman/hack/realserver"
	"tallyman.dev/tallyman/hack/testenv"
)

const (
	superadmin, superPassword = "superadmin", "superadmin-s3cret-password"
	adminEmail                = "tallyman@example.com"
)

// realShop is a Vendure server with an administrator who has the permissions of the page alone, as a
// test sees it.
type realShop struct {
	t *testing.T
	*realState
}

type realState struct {
	url, token string
	role       string // of superadmins
	cases      atomic.Int64
	mu         sync.Mutex // the database in memory has one transaction
}

// with returns the shop as a subtest sees it.
func (s realShop) with(t *testing.T) realShop { return realShop{t, s.realState} }

func startReal(t *testing.T) realShop {
	t.Helper()
	node, address := realserver.Require(t, "node"), realserver.FreeAddress(t)
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	s := realShop{t, &realState{url: "http://" + address + "/admin-api"}}
	realserver.Start(t, realserver.Process{
		Path: node, Args: []string{"server.js"}, Dir: filepath.Join(testenv.Root(), "hack", "channels", "vendure"),
		Env:   []string{"PORT=" + port, "USERNAME=" + superadmin, "PASSWORD=" + superPassword, "VENDURE_DISABLE_TELEMETRY=true"},
		Ready: realserver.Answers(s.url),
	})
	s.setUp()
	return s
}

// vars are the variables of an operation.
type vars map[string]any

// call makes an operation as the superadmin, and returns its first field.
func call[T any](s realShop, query string, variables vars) T {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	raw, err := json.Marshal(vars{"query": query, "variables": variables})
	if err != nil {
		s.t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, s.url, bytes.NewReader(raw))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+s.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	if token := resp.Header.Get("Vendure-Auth-Token"); token != "" {
		s.token = token
	}
	var answer struct {
		Data   map[string]T    `json:"data"`
		Errors json.RawMessage `json:"errors"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Errors != nil {
		s.t.Fatalf("%s: %s, %v, %s", query, resp.Status, err, answer.Errors)
	}
	for _, field := range answer.Data {
		return field
	}
	s.t.Fatalf("%s: no data", query)
	panic("unreachable")
}

// thing is whatever has an id.
type thing struct {
	ID string `json:"id"`
}

// setUp makes what a new shop lacks.
func (s realShop) setUp() {
	s.t.Helper()
	call[any](s, `mutation($u: String!, $p: String!) { login(username: $u, password: $p) { __typename } }`, vars{"u": superadmin, "p": superPassword})
	zone := call[thing](s, `mutation { createZone(input: {name: "Everywhere"}) { id } }`, nil)
	call[any](s, `mutation($z: ID!) { updateChannel(input: {id: "1", defaultTaxZoneId: $z, defaultShippingZoneId: $z}) { __typename } }`, vars{"z": zone.ID})
	call[thing](s, `mutation { createTaxCategory(input: {name: "Standard"}) { id } }`, nil)
	s.role = call[struct{ Items []thing }](s, `{ roles(options: {filter: {code: {eq: "__super_admin_role__"}}}) { items { id } } }`, nil).Items[0].ID
	s.addAdministrator(adminEmail, "ReadProduct", "ReadStockLocation", "UpdateProduct")
}

func (s realShop) addAdministrator(email string, permissions ...string) {
	s.t.Helper()
	role := call[thing](s, `mutation($c: String!, $p: [Permission!]!) { createRole(input: {code: $c, description: $c, permissions: $p}) { id } }`,
		vars{"c": email, "p": permissions})
	call[thing](s, `mutation($e: String!, $p: String!, $r: [ID!]!) {
		createAdministrator(input: {firstName: "T", lastName: "T", emailAddress: $e, password: $p, roleIds: $r}) { id } }`,
		vars{"e": email, "p": password, "r": []string{role.ID}})
}

func (s realShop) addLocation(name string) string {
	s.t.Helper()
	return call[thing](s, `mutation($n: String!) { createStockLocation(input: {name: $n}) { id } }`, vars{"n": name}).ID
}

// addVariant adds a product with one variant that is tracked.
func (s realShop) addVariant(sku string) string {
	s.t.Helper()
	slug := fmt.Sprintf("p-%d", s.cases.Add(1))
	product := call[thing](s, `mutation($s: String!) {
		createProduct(input: {translations: [{languageCode: en, name: "A product", slug: $s, description: ""}]}) { id } }`, vars{"s": slug})
	return call[[]thing](s, `mutation($p: ID!, $s: String!) {
		createProductVariants(input: [{productId: $p, sku: $s, price: 100, trackInventory: TRUE, translations: [{languageCode: en, name: "A variant"}]}]) { id } }`,
		vars{"p": product.ID, "s": sku})[0].ID
}

// change changes a variant; fields are those of UpdateProductVariantInput.
func (s realShop) change(id string, fields vars) {
	s.t.Helper()
	fields["id"] = id
	call[[]thing](s, `mutation($in: [UpdateProductVariantInput!]!) { updateProductVariants(input: $in) { id } }`, vars{"in": []vars{fields}})
}

func levels(location string, onHand int64) vars {
	return vars{"stockLevels": []vars{{"stockLocationId": location, "stockOnHand": onHand}}}
}

// realLevel is the stock of a variant at a location.
type realLevel struct {
	StockLocationID string
	StockOnHand     int64
	StockAllocated  int64
}

type realVariant struct {
	ID, TrackInventory string
	StockLevels        []realLevel
}

func (s realShop) find(sku string) []realVariant {
	s.t.Helper()
	return call[struct{ Items []realVariant }](s, `query($s: String!) {
		productVariants(options: {filter: {sku: {eq: $s}}}) { items { id trackInventory stockLevels { stockLocationId stockOnHand stockAllocated } } } }`,
		vars{"s": sku}).Items
}

func (v realVariant) at(location string) realLevel {
	for _, l := range v.StockLevels {
		if l.StockLocationID == location {
			return l
		}
	}
	return realLevel{}
}

// channel makes a channel to a location of its own, and SKUs of its own, so that tests do not meet.
func (s realShop) channel(mode inventoryv1alpha1.ChannelMode, elsewhere string) (*realFront, channel.Config) {
	s.t.Helper()
	target, err := url.Parse(s.url)
	if err != nil {
		s.t.Fatal(err)
	}
	p := &realFront{shop: s, prefix: fmt.Sprintf("c%d-", s.cases.Add(1))}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = target.Scheme, target.Host
			p.alter(r.Out.Header)
		},
		ModifyResponse: func(r *http.Response) error {
			if p.cookies.Load() {
				r.Header.Del("Vendure-Auth-Token")
			}
			return nil
		},
	}
	p.Front = newFront(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		proxy.ServeHTTP(w, r)
	}), elsewhere)
	p.at = s.addLocation(p.prefix + "WD-1")
	front := fakeserver.Start(s.t, p.Front)
	cfg := config(front, mode)
	cfg.Credentials["username"] = []byte(adminEmail)
	cfg.Channel.Spec.BatchSize = 20 // products take their time to be made
	cfg.Channel.Spec.SKUMapping = &inventoryv1alpha1.SKUMapping{Prefix: p.prefix}
	cfg.Channel.Spec.LocationMapping = []inventoryv1alpha1.LocationMapping{{Code: "WD-1", ChannelCode: p.prefix + "WD-1"}}
	cfg.Channel.Spec.Vendure.Location = p.prefix + "WD-1"
	return p, cfg
}

// realFront is the real server, with the contract's behaviours played in front of it.
type realFront struct {
	*contract.Front
	shop   realShop
	prefix string
	at     string

	cookies atomic.Bool // takes tokens out of answers
	expired atomic.Bool // takes the session out of the next call
}

func (p *realFront) alter(h http.Header) {
	if !p.expired.CompareAndSwap(true, false) {
		return
	}
	if h.Get("Authorization") != "" {
		h.Set("Authorization", "Bearer expired")
	}
	h.Del("Cookie")
}

// Quantity implements contract.Server.
func (p *realFront) Quantity(_, sku string) (int64, bool) {
	found := p.shop.find(p.prefix + sku)
	if len(found) != 1 {
		return 0, false
	}
	quantity := found[0].at(p.at).StockOnHand
	return quantity, quantity != before
}

// Know implements contract.Catalog.
func (p *realFront) Know(sku string) {
	if len(p.shop.find(p.prefix+sku)) == 0 {
		p.Duplicate(sku)
	}
}

// Duplicate implements contract.Catalog.
func (p *realFront) Duplicate(sku string) {
	p.shop.change(p.shop.addVariant(p.prefix+sku), levels(p.at, before))
}

// Rename implements contract.Catalog.
func (p *realFront) Rename(from, to string) {
	p.shop.change(p.shop.find(p.prefix + from)[0].ID, vars{"sku": p.prefix + to})
}
