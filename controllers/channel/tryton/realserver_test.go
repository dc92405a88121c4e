package tryton_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/fakeserver"
	"tallyman.dev/tallyman/hack/realserver"
)

const (
	adminPassword = "admin-s3cret-password"

	// realBefore is what lies at a location before it is counted the first time: products in units
	// have no fractions. No case pushes it.
	realBefore = 424_242
)

// configuration of trytond. Failed logins must not slow down those that follow.
const configuration = `
[database]
uri = sqlite://
path = %s
[web]
listen = %s
[session]
max_attempt = 1000
`

// statement runs SQL on a database of SQLite: a statement, and its parameters.
const statement = `
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=30)
db.execute(sys.argv[2], sys.argv[3:])
db.commit()
`

// realServer is a trytond with the module stock, a company, and a user in the group Stock, as a test
// sees it.
type realServer struct {
	t *testing.T
	*realState
}

type realState struct {
	url, auth, python, database string
	company, unit               int64
	cases                       atomic.Int64
	mu                          sync.Mutex // SQLite has one writer: its server gives up after some tries
}

// with returns the server as a subtest sees it.
func (s realServer) with(t *testing.T) realServer { return realServer{t, s.realState} }

func startReal(t *testing.T) realServer {
	t.Helper()
	admin, server, python := realserver.Require(t, "trytond-admin"), realserver.Require(t, "trytond"), realserver.Require(t, "python3")
	dir, address := t.TempDir(), realserver.FreeAddress(t)
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	conf := write("trytond.conf", fmt.Sprintf(configuration, dir, address))
	database := write("erp.sqlite", "")
	realserver.Run(t, realserver.Process{
		Path: admin, Args: []string{"-c", conf, "-d", "erp", "-u", "stock", "--activate-dependencies", "--email", "admin@example.com"},
		Env: []string{"TRYTONPASSFILE=" + write("password", adminPassword)},
	})
	realserver.Start(t, realserver.Process{
		Path: server, Args: []string{"-c", conf, "-d", "erp"}, Ready: realserver.Answers("http://" + address + "/"),
	})
	s := realServer{t, &realState{url: "http://" + address, python: python, database: database}}
	s.setUp()
	return s
}

// setUp makes what a new database lacks.
func (s realServer) setUp() {
	s.t.Helper()
	session := rpc[[]any](s, "common.db.login", "admin", map[string]string{"password": adminPassword})
	s.auth = "Session " + base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "admin:%v:%v", session[0], session[1]))
	party := s.create("party.party", map[string]any{"name": "Acme"})
	currency := s.create("currency.currency", map[string]any{
		"name": "Euro", "code": "EUR", "symbol": "€", "rounding": decimal("0.01"), "digits": 2,
	})
	s.company = s.create("company.company", map[string]any{"party": party, "currency": currency})
	s.write("res.user", 1, map[string]any{"companies": []any{[]any{"add", []int64{s.company}}}, "company": s.company})
	s.unit = s.find("product.uom", []any{"symbol", "=", "u"})[0]
	s.addUser(username, "Stock")
}

// addUser adds a user who works for the company, in groups.
func (s realServer) addUser(name string, groups ...string) int64 {
	s.t.Helper()
	values := map[string]any{
		"name": name, "login": name, "password": password, "company": s.company,
		"companies": []any{[]any{"add", []int64{s.company}}},
	}
	if len(groups) > 0 {
		values["groups"] = []any{[]any{"add", s.find("res.group", []any{"name", "in", groups})}}
	}
	return s.create("res.user", values)
}

func decimal(value string) map[string]string {
	return map[string]string{"__class__": "Decimal", "decimal": value}
}

// rpc calls a method as the administrator.
func rpc[T any](s realServer, method string, params ...any) T {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	req, err := http.NewRequest(http.MethodPost, s.url+"/erp/", bytes.NewReader(jsonOf(map[string]any{"id": 1, "method": method, "params": params})))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", s.auth)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Result T               `json:"result"`
		Error  json.RawMessage `json:"error"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Error != nil {
		s.t.Fatalf("%s: %s, %v, %s", method, resp.Status, err, answer.Error)
	}
	return answer.Result
}

func (s realServer) context() map[string]any {
	if s.company == 0 {
		return map[string]any{}
	}
	return map[string]any{"company": s.company}
}

func (s realServer) create(model string, values map[string]any) int64 {
	s.t.Helper()
	return rpc[[]int64](s, "model."+model+".create", []any{values}, s.context())[0]
}

func (s realServer) write(model string, id int64, values map[string]any) {
	s.t.Helper()
	rpc[any](s, "model."+model+".write", []int64{id}, values, s.context())
}

func (s realServer) find(model string, domain ...any) []int64 {
	s.t.Helper()
	return rpc[[]int64](s, "model."+model+".search", domain, 0, nil, nil, s.context())
}

// addLocation adds a storage location of the warehouse.
func (s realServer) addLocation(code string) int64 {
	s.t.Helper()
	parent := s.find("stock.location", []any{"code", "=", "STO"})[0]
	return s.create("stock.location", map[string]any{"name": code, "code": code, "type": "storage", "parent": parent})
}

// addProduct adds a template with one variant, and returns the variant.
func (s realServer) addProduct(code string, values map[string]any) int64 {
	s.t.Helper()
	template := map[string]any{
		"name": "A product", "default_uom": s.unit, "list_price": decimal("1"), "type": "goods",
		"products": []any{[]any{"create", []any{map[string]any{"suffix_code": code}}}},
	}
	maps.Copy(template, values)
	id := s.create("product.template", template)
	return s.find("product.product", []any{"template", "=", id})[0]
}

// count counts products at a location, as the administrator does.
func (s realServer) count(at int64, quantity float64, products ...int64) {
	s.t.Helper()
	var lines []any
	for _, id := range products {
		lines = append(lines, map[string]any{"product": id, "quantity": quantity})
	}
	id := s.create("stock.inventory", map[string]any{"location": at, "number": "initial", "lines": []any{[]any{"create", lines}}})
	rpc[any](s, "model.stock.inventory.confirm", []int64{id}, s.context())
}

func (s realServer) quantity(at, product int64) float64 {
	s.t.Helper()
	f := s.context()
	f["locations"], f["with_childs"] = []int64{at}, false
	return rpc[[]struct{ Quantity float64 }](s, "model.product.product.read", []int64{product}, []string{"quantity"}, f)[0].Quantity
}

// sql changes the database itself.
func (s realServer) sql(text string, parameters ...string) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	realserver.Run(s.t, realserver.Process{Path: s.python, Args: append([]string{"-c", statement, s.database, text}, parameters...)})
}

// channel makes a channel to locations of its own, and SKUs of its own, so that tests do not meet.
func (s realServer) channel(mode inventoryv1alpha1.ChannelMode, elsewhere string) (*realFront, channel.Config) {
	s.t.Helper()
	target, err := url.Parse(s.url)
	if err != nil {
		s.t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		proxy.ServeHTTP(w, r)
	})
	p := &realFront{Front: newFront(next, elsewhere), server: s, prefix: fmt.Sprintf("c%d-", s.cases.Add(1))}
	p.at = s.addLocation(p.prefix + "WD-1")
	front := fakeserver.Start(s.t, p.Front)
	cfg := config(front, mode)
	cfg.Channel.Spec.BatchSize = 20 // products take their time to be made
	cfg.Channel.Spec.SKUMapping = &inventoryv1alpha1.SKUMapping{Prefix: p.prefix}
	cfg.Channel.Spec.LocationMapping = []inventoryv1alpha1.LocationMapping{{Code: "WD-1", ChannelCode: p.prefix + "WD-1"}}
	return p, cfg
}

// realFront is the real server, with the contract's behaviours played in front of it.
type realFront struct {
	*contract.Front
	server realServer
	prefix string
	at     int64
}

func (p *realFront) find(sku string) []int64 {
	return p.server.find("product.product", []any{"code", "=", p.prefix + sku})
}

// Quantity implements contract.Server.
func (p *realFront) Quantity(_, sku string) (int64, bool) {
	found := p.find(sku)
	if len(found) != 1 {
		return 0, false
	}
	quantity := int64(p.server.quantity(p.at, found[0]))
	return quantity, quantity != realBefore
}

// Know implements contract.Catalog.
func (p *realFront) Know(sku string) {
	if len(p.find(sku)) == 0 {
		p.server.count(p.at, realBefore, p.server.addProduct(p.prefix+sku, nil))
	}
}

// Duplicate implements contract.Catalog. The server sees to it that active products have codes of their
// own, which a database of an older series does not.
func (p *realFront) Duplicate(sku string) {
	id := p.server.addProduct(p.prefix+sku+"-twin", nil)
	p.server.sql("UPDATE product_product SET code = ? WHERE id = ?", p.prefix+sku, strconv.FormatInt(id, 10))
}

// Rename implements contract.Catalog.
func (p *realFront) Rename(from, to string) {
	p.server.write("product.product", p.find(from)[0], map[string]any{"suffix_code": p.prefix + to})
}
