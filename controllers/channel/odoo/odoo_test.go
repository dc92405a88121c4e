package odoo_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/fakeserver"
	"tallyman.dev/tallyman/controllers/channel/odoo"
	"tallyman.dev/tallyman/controllers/channel/odoo/odootest"
)

const key = "0123456789abcdef0123456789abcdef01234567"

func config(url string, mode inventoryv1alpha1.ChannelMode, spec inventoryv1alpha1.OdooChannel) channel.Config {
	spec.URL = inventoryv1alpha1.HTTPURL(url)
	return channel.Config{
		Channel: &inventoryv1alpha1.Channel{Spec: inventoryv1alpha1.ChannelSpec{
			Type: inventoryv1alpha1.ChannelOdoo, Odoo: &spec, Mode: mode,
		}},
		Credentials: map[string][]byte{"apiKey": []byte(key)},
		Clock:       clock.RealClock{},
	}
}

// erp is a database with a location, and a connector that reaches it through a handler of the test's.
type erp struct {
	*testing.T
	*odootest.Server
	url   string
	stock int64 // the location WH/Stock
	// front, if set, gets the connector's requests.
	front http.HandlerFunc
}

func open(t *testing.T, database string) *erp {
	t.Helper()
	e := &erp{T: t, Server: odootest.New(key, database)}
	e.stock = e.AddLocation(odootest.Location{Name: "WH/Stock"})
	url := fakeserver.Start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if e.front != nil {
			e.front(w, r)
			return
		}
		e.ServeHTTP(w, r)
	}))
	e.url = url
	return e
}

func (e *erp) connect() channel.Reader {
	e.Helper()
	return contract.BuildReader(e.T, odoo.New, config(e.url, inventoryv1alpha1.LocationWise, inventoryv1alpha1.OdooChannel{}))
}

func push(quantity int64, skus ...string) channel.Batch {
	b := channel.Batch{Mode: inventoryv1alpha1.LocationWise, IdempotencyKey: "job-0"}
	for _, sku := range skus {
		b.Items = append(b.Items, channel.Item{SKU: sku, Quantity: quantity, LocationCode: "WH/Stock", LocationQuantity: quantity})
	}
	return b
}

// pushes pushes and compares the reasons of failures.
func (e *erp) pushes(c channel.Connector, b channel.Batch, want map[int]string) {
	e.Helper()
	result, err := c.Push(e.Context(), b)
	if err != nil {
		e.Fatalf("Push: %v", err)
	}
	got := map[int]string{}
	for i, failure := range result.Failures {
		got[i] = string(failure.Class) + "/" + string(failure.Reason)
	}
	if want == nil {
		want = map[int]string{}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		e.Errorf("failures (-want +got):\n%s", diff)
	}
}

// holds compares the quants of a product.
func (e *erp) holds(productID int64, want ...odootest.Quant) {
	e.Helper()
	for i := range want {
		want[i].ProductID = productID
	}
	if diff := cmp.Diff(want, e.Quants(productID)); diff != "" {
		e.Errorf("quants (-want +got):\n%s", diff)
	}
}

// TestWire compares what is sent with what Odoo reads, to the letter.
func TestWire(t *testing.T) {
	t.Parallel()
	e := open(t, "acme")
	product := e.AddProduct(odootest.Product{SKU: `A"<`})
	var got []string
	e.front = func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, fmt.Sprintf("%s %s %s %s", r.Method, r.URL, r.Header.Get("Content-Type"), body))
		if r.Header.Get("X-Odoo-Database") != "acme" || r.Header.Get("Authorization") != "bearer "+key {
			t.Errorf("headers %v", r.Header)
		}
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		e.ServeHTTP(w, r)
	}
	c := contract.BuildReader(e.T, odoo.New, config(e.url+"/", inventoryv1alpha1.LocationWise, inventoryv1alpha1.OdooChannel{Database: "acme"}))
	e.pushes(c, push(7, `A"<`), nil)
	if _, err := c.Read(t.Context(), push(0, `A"<`)); err != nil {
		t.Fatal(err)
	}
	want := []string{
		`POST /json/2/stock.location/search_read application/json {"domain":[["complete_name","in",["WH/Stock"]],["usage","in",["internal","transit"]]],"fields":["complete_name"],"context":{"active_test":true}}`,
		`POST /json/2/product.product/search_read application/json {"domain":[["default_code","in",["A\"\u003c"]]],"fields":["default_code","is_storable","tracking"],"context":{"active_test":true}}`,
		fmt.Sprintf(`POST /json/2/stock.quant/create application/json {"vals_list":[{"product_id":%d,"location_id":%d,"inventory_quantity_auto_apply":7}],"context":{"inventory_mode":true,"inventory_name":"Tallyman"}}`, product, e.stock),
		fmt.Sprintf(`POST /json/2/stock.quant/search_read application/json {"domain":[["product_id","in",[%d]],["location_id","in",[%d]],["lot_id","=",false],["package_id","=",false],["owner_id","=",false]],"fields":["product_id","location_id","quantity"],"context":{"active_test":true}}`, product, e.stock),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// TestOnlyLooseStockIsCounted leaves alone what has a lot, a package or an owner, and other locations.
func TestOnlyLooseStockIsCounted(t *testing.T) {
	t.Parallel()
	e := open(t, "")
	product := e.AddProduct(odootest.Product{SKU: "A"})
	shelf := e.AddLocation(odootest.Location{Name: "WH/Stock/Shelf"})
	others := []odootest.Quant{
		{ProductID: product, LocationID: e.stock, PackageID: 1, Quantity: 2},
		{ProductID: product, LocationID: e.stock, OwnerID: 1, Quantity: 3},
		{ProductID: product, LocationID: e.stock, LotID: 1, Quantity: 4},
		{ProductID: product, LocationID: shelf, Quantity: 5},
	}
	for _, q := range others {
		e.AddQuant(q)
	}
	e.AddQuant(odootest.Quant{ProductID: product, LocationID: e.stock, Quantity: 1, ReservedQuantity: 1})
	c := e.connect()
	e.pushes(c, push(9, "A"), nil)
	e.holds(product, append(others, odootest.Quant{LocationID: e.stock, Quantity: 9, ReservedQuantity: 1})...)
	readings, err := c.Read(t.Context(), push(0, "A"))
	if err != nil || readings.Quantities[0] != 9 {
		t.Errorf("read %+v, %v, want 9", readings, err)
	}
}

// TestNothingIsBookedTwice pushes what Odoo has already.
func TestNothingIsBookedTwice(t *testing.T) {
	t.Parallel()
	e := open(t, "")
	product := e.AddProduct(odootest.Product{SKU: "A"})
	c := e.connect()
	for range 2 {
		e.pushes(c, push(9, "A"), nil)
	}
	e.holds(product, odootest.Quant{LocationID: e.stock, Quantity: 9})
	if diff := cmp.Diff([]string{"Tallyman"}, e.Moves()); diff != "" {
		t.Errorf("moves (-want +got):\n%s", diff)
	}
}

func TestProducts(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		products []odootest.Product
		want     string // reason, if any
	}{
		"one":                        {products: []odootest.Product{{SKU: "A"}}},
		"none":                       {want: "Unmapped/UnknownSKU"},
		"case of letters":            {products: []odootest.Product{{SKU: "a"}}, want: "Unmapped/UnknownSKU"},
		"without a reference":        {products: []odootest.Product{{}}, want: "Unmapped/UnknownSKU"},
		"two":                        {products: []odootest.Product{{SKU: "A"}, {SKU: "A"}}, want: "Unmapped/AmbiguousSKU"},
		"archived":                   {products: []odootest.Product{{SKU: "A", Archived: true}}, want: "Unmapped/UnknownSKU"},
		"archived next to one":       {products: []odootest.Product{{SKU: "A", Archived: true}, {SKU: "A"}}},
		"service":                    {products: []odootest.Product{{SKU: "A", Service: true}}, want: "Unmapped/NotStorable"},
		"counted by serial numbers":  {products: []odootest.Product{{SKU: "A", Tracking: "serial"}}, want: "Unmapped/TrackedByLot"},
		"counted by lots, and alone": {products: []odootest.Product{{SKU: "A", Tracking: "lot"}}, want: "Unmapped/TrackedByLot"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := open(t, "")
			good := e.AddProduct(odootest.Product{SKU: "GOOD"})
			for _, p := range tc.products {
				e.AddProduct(p)
			}
			var want map[int]string
			if tc.want != "" {
				want = map[int]string{0: tc.want}
			}
			e.pushes(e.connect(), push(4, "A", "GOOD"), want)
			e.holds(good, odootest.Quant{LocationID: e.stock, Quantity: 4})
		})
	}
}

func TestLocations(t *testing.T) {
	t.Parallel()
	e := open(t, "")
	e.AddLocation(odootest.Location{Name: "TWICE"})
	e.AddLocation(odootest.Location{Name: "TWICE"})
	e.AddLocation(odootest.Location{Name: "WH", Usage: "view"})
	loss := e.AddLocation(odootest.Location{Name: "Loss", Usage: "inventory"})
	transit := e.AddLocation(odootest.Location{Name: "Transit", Usage: "transit"})
	cases := map[string]struct {
		code, want string
		wantAt     int64
	}{
		"by name":        {code: "WH/Stock", wantAt: e.stock},
		"by id":          {code: strconv.FormatInt(e.stock, 10), wantAt: e.stock},
		"transit":        {code: "Transit", wantAt: transit},
		"unknown name":   {code: "wh/stock", want: "Unmapped/UnknownLocation"},
		"unknown id":     {code: "4711", want: "Unmapped/UnknownLocation"},
		"ambiguous":      {code: "TWICE", want: "Unmapped/AmbiguousLocation"},
		"view":           {code: "WH", want: "Unmapped/UnknownLocation"},
		"losses, by id":  {code: strconv.FormatInt(loss, 10), want: "Unmapped/UnknownLocation"},
		"huge number":    {code: strings.Repeat("9", 30), want: "Unmapped/UnknownLocation"},
		"negative, none": {code: "-1", want: "Unmapped/UnknownLocation"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := &erp{T: t, Server: e.Server, url: e.url}
			product := e.AddProduct(odootest.Product{SKU: name})
			b := push(4, name)
			b.Items[0].LocationCode = tc.code
			if tc.want != "" {
				e.pushes(e.connect(), b, map[int]string{0: tc.want})
				e.holds(product)
				return
			}
			e.pushes(e.connect(), b, nil)
			e.holds(product, odootest.Quant{LocationID: tc.wantAt, Quantity: 4})
		})
	}
}

// TestOneLocationUnderTwoNames keeps one quantity from overwriting another.
func TestOneLocationUnderTwoNames(t *testing.T) {
	t.Parallel()
	e := open(t, "")
	product := e.AddProduct(odootest.Product{SKU: "A"})
	b := push(4, "A", "A")
	b.Items[1].LocationCode = strconv.FormatInt(e.stock, 10)
	e.pushes(e.connect(), b, map[int]string{1: "Unmapped/AmbiguousLocation"})
	e.holds(product, odootest.Quant{LocationID: e.stock, Quantity: 4})
}

// TestNothingIsStoredOfARefusedCall pushes a product that Odoo refuses, with a good one, and then each alone.
func TestNothingIsStoredOfARefusedCall(t *testing.T) {
	t.Parallel()
	e := open(t, "")
	good := e.AddProduct(odootest.Product{SKU: "GOOD"})
	e.AddProduct(odootest.Product{SKU: "BAD", Poison: true})
	c := e.connect()
	_, err := c.Push(t.Context(), push(4, "GOOD", "BAD"))
	contract.WantError(t, err, channel.Rejected, "ValidationError")
	if want := "BAD must not be counted."; !strings.HasSuffix(channel.AsError(err).Message, want) {
		t.Errorf("message %q, want Odoo's %q", channel.AsError(err).Message, want)
	}
	e.holds(good)
	e.pushes(c, push(4, "GOOD"), nil)
	e.holds(good, odootest.Quant{LocationID: e.stock, Quantity: 4})
	_, err = c.Push(t.Context(), push(4, "BAD"))
	contract.WantError(t, err, channel.Rejected, "ValidationError")
}

// TestProductIsDeleted deletes one that is remembered: the call is refused, and its repetition looks again.
func TestProductIsDeleted(t *testing.T) {
	t.Parallel()
	e := open(t, "")
	product, other := e.AddProduct(odootest.Product{SKU: "A"}), e.AddProduct(odootest.Product{SKU: "B"})
	c := e.connect()
	e.pushes(c, push(4, "A", "B"), nil)
	e.DeleteProduct(product)
	_, err := c.Push(t.Context(), push(5, "A", "B"))
	contract.WantError(t, err, channel.Rejected, "MissingError")
	e.holds(other, odootest.Quant{LocationID: e.stock, Quantity: 4})
	e.pushes(c, push(5, "A", "B"), map[int]string{0: "Unmapped/UnknownSKU"})
	e.holds(other, odootest.Quant{LocationID: e.stock, Quantity: 5})
}

func TestRead(t *testing.T) {
	t.Parallel()
	e := open(t, "")
	for sku, quantities := range map[string][]float64{
		"NONE": nil, "FRACTION": {4.75}, "NEGATIVE": {-2.5}, "SPLIT": {1.1, 2.2, -0.3}, "HUGE": {1e300},
	} {
		product := e.AddProduct(odootest.Product{SKU: sku})
		for _, q := range quantities {
			e.AddQuant(odootest.Quant{ProductID: product, LocationID: e.stock, Quantity: q})
		}
	}
	readings, err := e.connect().Read(t.Context(), push(0, "NONE", "FRACTION", "NEGATIVE", "SPLIT", "HUGE", "UNKNOWN"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[int]int64{0: 0, 1: 5, 2: -2, 3: 3, 4: 1 << 53}
	if diff := cmp.Diff(want, readings.Quantities); diff != "" {
		t.Errorf("quantities (-want +got):\n%s", diff)
	}
	if failure := readings.Failures[5]; len(readings.Failures) != 1 || failure == nil || failure.Reason != "UnknownSKU" {
		t.Errorf("failures %v, want UnknownSKU of item 5", readings.Failures)
	}
}

// TestRefusals answers some calls with something else than the database's answer.
func TestRefusals(t *testing.T) {
	t.Parallel()
	const create, products, quants = "stock.quant/create", "product.product/search_read", "stock.quant/search_read"
	body := func(name string) string {
		return `{"name":"` + name + `","message":"no ` + key + `","arguments":[],"context":{},"debug":"Traceback ` + key + `"}`
	}
	cases := map[string]struct {
		call       string
		status     int
		body       string
		want       channel.Class
		wantReason string
	}{
		"refused by the user's words":     {create, 422, body("odoo.exceptions.UserError"), channel.Rejected, "UserError"},
		"refused by a module":             {create, 422, body("odoo.addons.acme.models.stock.CountRefused"), channel.Rejected, "CountRefused"},
		"exception that is no word":       {create, 422, body("odoo.exceptions.no-word"), channel.Rejected, "Status422"},
		"argument that is not known":      {create, 422, body("werkzeug.exceptions.UnprocessableEntity"), channel.Retry, "UnprocessableEntity"},
		"body that cannot be parsed":      {create, 400, body("werkzeug.exceptions.BadRequest"), channel.Retry, "BadRequest"},
		"no such model":                   {create, 404, body("werkzeug.exceptions.NotFound"), channel.Retry, "NotFound"},
		"nothing of Odoo's":               {create, 404, `<html>`, channel.Retry, "Status404"},
		"locked by another transaction":   {create, 409, body("odoo.exceptions.LockError"), channel.Retry, "LockError"},
		"bug":                             {create, 500, body("builtins.KeyError"), channel.Retry, "KeyError"},
		"no right to count":               {create, 403, body("odoo.exceptions.AccessError"), channel.Unauthorized, "Unauthorized"},
		"key that has expired":            {create, 401, body("werkzeug.exceptions.Unauthorized"), channel.Unauthorized, "Unauthorized"},
		"too many calls":                  {create, 429, body("werkzeug.exceptions.TooManyRequests"), channel.Throttled, "Throttled"},
		"too large for a proxy":           {create, 413, `<html>`, channel.Rejected, "Status413"},
		"answer that is cut":              {create, 200, `[1`, channel.Retry, "InvalidAnswer"},
		"answer with null":                {create, 200, `null`, channel.Retry, "InvalidAnswer"},
		"answer with too few quants":      {create, 200, `[]`, channel.Retry, "InvalidAnswer"},
		"look-up refused":                 {products, 422, body("odoo.exceptions.UserError"), channel.Retry, "UserError"},
		"look-up refused by a proxy":      {products, 400, `<html>`, channel.Retry, "Status400"},
		"look-up with null":               {products, 200, `null`, channel.Retry, "InvalidAnswer"},
		"look-up with an object":          {products, 200, `{}`, channel.Retry, "InvalidAnswer"},
		"look-up with a name of no field": {products, 500, body("builtins.ValueError"), channel.Retry, "ValueError"},
		"read with quantities as words":   {quants, 200, `[{"product_id":1,"location_id":[1,"x"],"quantity":"x"}]`, channel.Retry, "InvalidAnswer"},
		"read without a product":          {quants, 200, `[{"product_id":[],"location_id":[1,"x"]}]`, channel.Retry, "InvalidAnswer"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := open(t, "")
			e.AddProduct(odootest.Product{SKU: "A"})
			e.front = func(w http.ResponseWriter, r *http.Request) {
				if !strings.HasSuffix(r.URL.Path, tc.call) {
					e.ServeHTTP(w, r)
					return
				}
				fakeserver.Status(tc.status, tc.body).ServeHTTP(w, r)
			}
			c := e.connect()
			var err error
			if tc.call == quants {
				_, err = c.Read(t.Context(), push(5, "A"))
			} else {
				_, err = c.Push(t.Context(), push(5, "A"))
			}
			contract.WantError(t, err, tc.want, tc.wantReason)
			if strings.Contains(err.Error(), key) || strings.Contains(err.Error(), "Traceback") {
				t.Errorf("the error shows the key or a traceback: %v", err)
			}
		})
	}
}

// TestNothingToPush calls nothing more where no SKU is known.
func TestNothingToPush(t *testing.T) {
	t.Parallel()
	e := open(t, "")
	c := e.connect()
	e.pushes(c, push(5, "A"), map[int]string{0: "Unmapped/UnknownSKU"})
	if readings, err := c.Read(t.Context(), push(5, "A")); err != nil || readings.Failures[0] == nil {
		t.Errorf("Read = %+v, %v", readings, err)
	}
	if calls := e.Calls(); slices.Contains(calls, "stock.quant/create") || slices.Contains(calls, "stock.quant/search_read") {
		t.Errorf("calls %v", calls)
	}
}

func TestProbe(t *testing.T) {
	t.Parallel()
	e := open(t, "acme")
	for name, tc := range map[string]struct {
		mode inventoryv1alpha1.ChannelMode
		spec inventoryv1alpha1.OdooChannel
		key  string
		want string
	}{
		"location-wise":    {mode: inventoryv1alpha1.LocationWise, spec: inventoryv1alpha1.OdooChannel{Database: "acme"}},
		"consolidated":     {mode: inventoryv1alpha1.Consolidated, spec: inventoryv1alpha1.OdooChannel{Database: "acme", Location: "WH/Stock"}},
		"unknown location": {mode: inventoryv1alpha1.Consolidated, spec: inventoryv1alpha1.OdooChannel{Database: "acme", Location: "WH"}, want: "UnknownLocation"},
		"no database":      {mode: inventoryv1alpha1.LocationWise, want: "NotFound"},
		"wrong key":        {mode: inventoryv1alpha1.LocationWise, spec: inventoryv1alpha1.OdooChannel{Database: "acme"}, key: "wrong", want: "Unauthorized"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config(e.url, tc.mode, tc.spec)
			if tc.key != "" {
				cfg.Credentials["apiKey"] = []byte(tc.key)
			}
			connector, err := odoo.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			err = connector.Probe(t.Context())
			if got := channel.AsError(err); (got == nil) != (tc.want == "") || got != nil && string(got.Reason) != tc.want {
				t.Errorf("Probe: %v, want %q", err, tc.want)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	for specified, want := range map[int32]int{0: 100, 1000: 1000} {
		cfg := config("http://127.0.0.1:1", inventoryv1alpha1.LocationWise, inventoryv1alpha1.OdooChannel{})
		cfg.Channel.Spec.BatchSize = specified
		limits := channel.Limits{BatchSize: want, MaxParallel: 1, Patience: channel.MaxPatience}
		if diff := cmp.Diff(limits, contract.BuildReader(t, odoo.New, cfg).Limits()); diff != "" {
			t.Errorf("limits (-want +got):\n%s", diff)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		change     func(*channel.Config)
		wantReason string
		wantWords  string
	}{
		"no configuration": {func(c *channel.Config) { c.Channel.Spec.Odoo = nil }, "InvalidSpec", "spec.odoo"},
		"no location for the sum": {
			func(c *channel.Config) { c.Channel.Spec.Mode = inventoryv1alpha1.Consolidated }, "InvalidSpec", "spec.odoo.location",
		},
		"transport that cannot be made": {
			func(c *channel.Config) { c.TLS = map[string][]byte{"ca.crt": []byte("x")} }, "InvalidCertificate", "ca.crt",
		},
		"no Secret":       {func(c *channel.Config) { c.Credentials = nil }, "InvalidCredentials", "apiKey"},
		"line break":      {func(c *channel.Config) { c.Credentials["apiKey"] = []byte("s3cret\nmore") }, "InvalidCredentials", "line break"},
		"with its scheme": {func(c *channel.Config) { c.Credentials["apiKey"] = []byte("bearer s3cret") }, "InvalidCredentials", "apiKey"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config("http://127.0.0.1:1", inventoryv1alpha1.LocationWise, inventoryv1alpha1.OdooChannel{})
			tc.change(&cfg)
			_, err := odoo.New(cfg)
			contract.WantError(t, err, channel.Terminal, tc.wantReason)
			if !strings.Contains(err.Error(), tc.wantWords) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("error %v, want it to name %s and no secret", err, tc.wantWords)
			}
		})
	}
}
