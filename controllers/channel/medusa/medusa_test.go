package medusa_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/fakeserver"
	"tallyman.dev/tallyman/controllers/channel/medusa"
	"tallyman.dev/tallyman/controllers/channel/medusa/medusatest"
)

func wantReasons(t *testing.T, failures map[int]*channel.Error, want map[int]string) {
	t.Helper()
	got := map[int]string{}
	for i, failure := range failures {
		got[i] = string(failure.Class) + "/" + string(failure.Reason)
	}
	if want == nil {
		want = map[int]string{}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
}

// TestWire compares what is sent with what Medusa reads, to the letter.
func TestWire(t *testing.T) {
	t.Parallel()
	s := open(t, newFake())
	item, location := s.item("A"), s.location()
	fresh := s.item("B")
	s.stock(item, location, 1)
	var got []string
	s.front = func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %s", r.Method, r.URL, body)))
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		s.ServeHTTP(w, r)
	}
	cfg := s.config(inventoryv1alpha1.LocationWise, inventoryv1alpha1.MedusaChannel{})
	cfg.Channel.Spec.Medusa.URL += "/"
	s.pushes(contract.BuildReader(s.T, medusa.New, cfg), s.push(location, 7, "A", "B"), nil)
	want := []string{
		"GET /admin/inventory-items?fields=id%2Csku%2Clocation_levels.location_id%2Clocation_levels.stocked_quantity%2Clocation_levels.reserved_quantity" +
			"&limit=1000&sku%5B%5D=" + s.sku("A") + "&sku%5B%5D=" + s.sku("B"),
		"GET /admin/stock-locations?fields=id&id%5B%5D=" + location + "&limit=1000",
		`POST /admin/inventory-items/location-levels/batch {"create":[{"inventory_item_id":"` + fresh + `","location_id":"` + location + `","stocked_quantity":7}],` +
			`"update":[{"inventory_item_id":"` + item + `","location_id":"` + location + `","stocked_quantity":7}]}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestScenarios(t *testing.T) {
	t.Parallel()
	runScenarios(t, newFake())
}

// runScenarios runs what a fake and a real server must answer alike.
func runScenarios(t *testing.T, b *backend) {
	t.Helper()
	for name, scenario := range map[string]func(*shop){
		"levels are created and updated":         createsAndUpdates,
		"unknown location":                       unknownLocation,
		"a level comes during the call":          levelComes,
		"an item goes during the call":           itemGoes,
		"reserved stock stays on hand":           reservedOnHand,
		"reserved stock is added to what's left": reservedAvailable,
		"fractions are read back":                fractions,
		"the case of letters counts":             exactMatch,
		"a full batch of long SKUs":              longSKUs,
		"several locations in one call":          severalLocations,
		"probe":                                  probe,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scenario(open(t, b))
		})
	}
}

func createsAndUpdates(s *shop) {
	location := s.location()
	old, fresh := s.item("OLD"), s.item("FRESH")
	s.stock(old, location, 3)
	c := s.connect("")
	s.pushes(c, s.push(location, 0, "OLD", "FRESH"), nil)
	s.wantLevel(old, location, 0, 0)
	s.wantLevel(fresh, location, 0, 0)
	s.pushes(c, s.push(location, 8, "FRESH", "OLD"), nil)
	s.wantLevel(old, location, 8, 0)
	s.wantLevel(fresh, location, 8, 0)
}

// unknownLocation keeps Medusa from storing a level that nobody ever sees.
func unknownLocation(s *shop) {
	location := s.location()
	good, bad := s.item("GOOD"), s.item("BAD")
	b := s.push(location, 5, "BAD", "GOOD")
	b.Items[0].LocationCode = "sloc_nowhere"
	s.pushes(s.connect(""), b, map[int]string{0: "Unmapped/UnknownLocation"})
	s.wantLevel(good, location, 5, 0)
	if l, ok := s.level(bad, "sloc_nowhere"); ok {
		s.Errorf("a level was created where there is no location: %+v", l)
	}
}

// once calls a function before the first batch of levels, and lets everything through.
func (s *shop) once(f func()) {
	done := false
	s.front = func(w http.ResponseWriter, r *http.Request) {
		if isBatch(r) && !done {
			done = true
			f()
		}
		s.ServeHTTP(w, r)
	}
}

func levelComes(s *shop) {
	location, other := s.location(), s.item("OTHER")
	item := s.item("A")
	s.stock(other, location, 1)
	s.once(func() { s.stock(item, location, 3) })
	c := s.connect("")
	_, err := c.Push(s.Context(), s.push(location, 5, "A", "OTHER"))
	contract.WantError(s.T, err, channel.Retry, "LevelsChanged")
	s.wantLevel(other, location, 1, 0) // all or nothing
	s.pushes(c, s.push(location, 5, "A", "OTHER"), nil)
	s.wantLevel(item, location, 5, 0)
}

func itemGoes(s *shop) {
	location, other := s.location(), s.item("OTHER")
	item := s.item("A")
	s.stock(item, location, 1)
	s.once(func() { s.delete(item) })
	c := s.connect("")
	_, err := c.Push(s.Context(), s.push(location, 5, "A", "OTHER"))
	contract.WantError(s.T, err, channel.Retry, "LevelsChanged")
	if l, ok := s.level(other, location); ok {
		s.Errorf("a call that was refused has created a level: %+v", l)
	}
	s.pushes(c, s.push(location, 5, "A", "OTHER"), map[int]string{0: "Unmapped/UnknownSKU"})
	s.wantLevel(other, location, 5, 0)
}

func (s *shop) reads(c channel.Reader, b channel.Batch, want map[int]int64) {
	s.Helper()
	readings, err := c.Read(s.Context(), b)
	if err != nil {
		s.Fatalf("Read: %v", err)
	}
	if diff := cmp.Diff(want, readings.Quantities); diff != "" {
		s.Errorf("quantities (-want +got):\n%s", diff)
	}
}

func reservedOnHand(s *shop) {
	location, item := s.location(), s.item("A")
	s.stock(item, location, 5)
	s.reserve(item, location, 2)
	c := s.connect(inventoryv1alpha1.MedusaOnHand)
	s.reads(c, s.push(location, 0, "A"), map[int]int64{0: 5})
	s.pushes(c, s.push(location, 9, "A"), nil)
	s.wantLevel(item, location, 9, 2)
}

func reservedAvailable(s *shop) {
	location, item := s.location(), s.item("A")
	s.stock(item, location, 5)
	s.reserve(item, location, 2)
	c := s.connect(inventoryv1alpha1.MedusaAvailable)
	s.reads(c, s.push(location, 0, "A"), map[int]int64{0: 3})
	s.pushes(c, s.push(location, 9, "A"), nil)
	s.wantLevel(item, location, 11, 2)
	s.reads(c, s.push(location, 0, "A"), map[int]int64{0: 9})
	s.pushes(s.connect(inventoryv1alpha1.MedusaOnHand), s.push(location, 0, "A"), nil) // less than is reserved
	s.wantLevel(item, location, 0, 2)
	s.reads(c, s.push(location, 0, "A"), map[int]int64{0: -2})
}

func fractions(s *shop) {
	location, item := s.location(), s.item("A")
	s.stock(item, location, 4.75)
	s.reserve(item, location, 1.5)
	s.item("UNSTOCKED")
	b := s.push(location, 0, "A", "UNSTOCKED")
	s.reads(s.connect(inventoryv1alpha1.MedusaOnHand), b, map[int]int64{0: 5, 1: 0})
	available := s.connect(inventoryv1alpha1.MedusaAvailable)
	s.reads(available, b, map[int]int64{0: 4, 1: 0})
	s.pushes(available, s.push(location, 7, "A"), nil)
	s.reads(available, b, map[int]int64{0: 7, 1: 0})
}

func exactMatch(s *shop) {
	location, lower, upper := s.location(), s.item("tee"), s.item("TEE")
	s.pushes(s.connect(""), s.push(location, 5, "tee", "Tee", "tee "), map[int]string{1: "Unmapped/UnknownSKU", 2: "Unmapped/UnknownSKU"})
	s.wantLevel(lower, location, 5, 0)
	if l, ok := s.level(upper, location); ok {
		s.Errorf("the wrong item was stocked: %+v", l)
	}
}

// longSKUs would exceed what Node.js takes as a request's first line, if they were asked for in one.
func longSKUs(s *shop) {
	location := s.location()
	var names, ids []string
	for i := range 15 {
		names = append(names, fmt.Sprint(i, strings.Repeat("ü", inventoryv1alpha1.MaxSKULength-20)))
		ids = append(ids, s.item(names[i]))
	}
	s.pushes(s.connect(""), s.push(location, 5, names...), nil)
	s.wantLevel(ids[14], location, 5, 0)
}

func severalLocations(s *shop) {
	a, b, item := s.location(), s.location(), s.item("A")
	batch := s.push(a, 5, "A")
	batch.Items = append(batch.Items, s.push(b, 6, "A").Items...)
	s.pushes(s.connect(""), batch, nil)
	s.wantLevel(item, a, 5, 0)
	s.wantLevel(item, b, 6, 0)
}

func probe(s *shop) {
	if err := s.connect("").Probe(s.Context()); err != nil {
		s.Errorf("Probe: %v", err)
	}
	for id, want := range map[string]string{s.location(): "", "sloc_nowhere": "UnknownLocation"} {
		c := contract.BuildReader(s.T, medusa.New, s.config(inventoryv1alpha1.Consolidated, inventoryv1alpha1.MedusaChannel{LocationID: id}))
		err := c.Probe(s.Context())
		if want == "" && err != nil {
			s.Errorf("Probe: %v", err)
		}
		if want != "" {
			contract.WantError(s.T, err, channel.Terminal, want)
		}
	}
	cfg := s.config(inventoryv1alpha1.LocationWise, inventoryv1alpha1.MedusaChannel{})
	cfg.Credentials["apiKey"] = []byte("sk_wrong")
	contract.WantError(s.T, contract.BuildReader(s.T, medusa.New, cfg).Probe(s.Context()), channel.Unauthorized, "Unauthorized")
}

// TestNegativeIsRead reads back what only back-orders lead to.
func TestNegativeIsRead(t *testing.T) {
	t.Parallel()
	s := open(t, newFake())
	location, item := s.location(), s.item("A")
	s.fake.SetLevel(item, location, medusatest.Level{Stocked: -2.5, Reserved: 1})
	s.reads(s.connect(inventoryv1alpha1.MedusaOnHand), s.push(location, 0, "A"), map[int]int64{0: -2})
	s.reads(s.connect(inventoryv1alpha1.MedusaAvailable), s.push(location, 0, "A"), map[int]int64{0: -3})
	s.fake.SetLevel(item, location, medusatest.Level{Stocked: 1e300})
	s.reads(s.connect(inventoryv1alpha1.MedusaOnHand), s.push(location, 0, "A"), map[int]int64{0: 1 << 53})
	s.pushes(s.connect(inventoryv1alpha1.MedusaOnHand), s.push(location, 6, "A"), nil)
	s.wantLevel(item, location, 6, 0)
}

// TestRefusals answers requests of a kind with something else than the server's answer.
func TestRefusals(t *testing.T) {
	t.Parallel()
	const get, post = http.MethodGet, http.MethodPost
	cases := map[string]struct {
		method     string
		status     int
		body       string
		want       channel.Class
		wantReason string
	}{
		"invalid data":                     {post, 400, `{"type":"invalid_data","message":"Invalid request"}`, channel.Rejected, "Status400"},
		"duplicate":                        {post, 422, `{"type":"duplicate_error","message":"x"}`, channel.Rejected, "Status422"},
		"something is not found":           {post, 404, `{"type":"not_found","message":"x"}`, channel.Rejected, "Status404"},
		"no such call":                     {post, 404, `<pre>Cannot POST /admin</pre>`, channel.Retry, "Status404"},
		"another transaction":              {post, 409, `{"type":"conflict","code":"invalid_state_error","message":"x"}`, channel.Retry, "Status409"},
		"too large":                        {post, 413, `{}`, channel.Rejected, "Status413"},
		"bug":                              {post, 500, `{"type":"unknown_error"}`, channel.Retry, "Status500"},
		"role without the right to write":  {post, 403, `{"type":"forbidden"}`, channel.Unauthorized, "Unauthorized"},
		"look-up refused":                  {get, 400, `{"type":"invalid_data"}`, channel.Retry, "Status400"},
		"look-up with too long a line":     {get, 431, ``, channel.Retry, "Status431"},
		"look-up without a list":           {get, 200, `{"count":0}`, channel.Retry, "InvalidAnswer"},
		"look-up that is cut":              {get, 200, `{"inventory_items":[{`, channel.Retry, "InvalidAnswer"},
		"look-up that lists not all":       {get, 200, `{"inventory_items":[],"count":1}`, channel.Retry, "IncompleteAnswer"},
		"look-up with quantities as words": {get, 200, `{"inventory_items":[{"location_levels":[{"stocked_quantity":"x"}]}],"count":1}`, channel.Retry, "InvalidAnswer"},
		"answer that is cut":               {post, 200, `{"created":[{`, channel.Retry, "InvalidAnswer"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, newFake())
			location := s.location()
			s.stock(s.item("A"), location, 1)
			s.front = func(w http.ResponseWriter, r *http.Request) {
				if r.Method != tc.method {
					s.ServeHTTP(w, r)
					return
				}
				fakeserver.Status(tc.status, tc.body).ServeHTTP(w, r)
			}
			_, err := s.connect("").Push(t.Context(), s.push(location, 5, "A"))
			contract.WantError(t, err, tc.want, tc.wantReason)
		})
	}
}

// TestNotConfirmed leaves one of two levels out of the answer.
func TestNotConfirmed(t *testing.T) {
	t.Parallel()
	s := open(t, newFake())
	location, a := s.location(), s.item("A")
	s.item("B")
	s.front = func(w http.ResponseWriter, r *http.Request) {
		if isBatch(r) {
			_, _ = fmt.Fprintf(w, `{"created":[{"inventory_item_id":%q,"location_id":%q},{"inventory_item_id":"x"}],"updated":null}`, a, location)
			return
		}
		s.ServeHTTP(w, r)
	}
	s.pushes(s.connect(""), s.push(location, 5, "A", "B"), map[int]string{1: "Unconfirmed/NotConfirmed"})
}

// TestNothingToPush writes nothing where no SKU is known.
func TestNothingToPush(t *testing.T) {
	t.Parallel()
	s := open(t, newFake())
	s.front = func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		s.ServeHTTP(w, r)
	}
	s.pushes(s.connect(""), s.push("sloc_1", 5, "A"), map[int]string{0: "Unmapped/UnknownSKU"})
}

func TestLimits(t *testing.T) {
	t.Parallel()
	for specified, want := range map[int32]int{0: 200, 1000: 1000} {
		s := open(t, newFake())
		cfg := s.config(inventoryv1alpha1.LocationWise, inventoryv1alpha1.MedusaChannel{})
		cfg.Channel.Spec.BatchSize = specified
		limits := channel.Limits{BatchSize: want, MaxParallel: 2, Patience: channel.MaxPatience}
		if diff := cmp.Diff(limits, contract.BuildReader(s.T, medusa.New, cfg).Limits()); diff != "" {
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
		"no configuration": {func(c *channel.Config) { c.Channel.Spec.Medusa = nil }, "InvalidSpec", "spec.medusa"},
		"no location for the sum": {
			func(c *channel.Config) { c.Channel.Spec.Mode = inventoryv1alpha1.Consolidated }, "InvalidSpec", "spec.medusa.locationId",
		},
		"transport that cannot be made": {
			func(c *channel.Config) { c.TLS = map[string][]byte{"ca.crt": []byte("x")} }, "InvalidCertificate", "ca.crt",
		},
		"no Secret":       {func(c *channel.Config) { c.Credentials = nil }, "InvalidCredentials", "apiKey"},
		"key under token": {func(c *channel.Config) { c.Credentials = map[string][]byte{"token": []byte("sk_secret")} }, "InvalidCredentials", "apiKey"},
		"line break":      {func(c *channel.Config) { c.Credentials["apiKey"] = []byte("sk_secret\nmore") }, "InvalidCredentials", "line break"},
		"with its scheme": {func(c *channel.Config) { c.Credentials["apiKey"] = []byte("Basic sk_secret") }, "InvalidCredentials", "apiKey"},
		"with a password": {func(c *channel.Config) { c.Credentials["apiKey"] = []byte("sk_secret:x") }, "InvalidCredentials", "apiKey"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := open(t, newFake()).config(inventoryv1alpha1.LocationWise, inventoryv1alpha1.MedusaChannel{})
			tc.change(&cfg)
			_, err := medusa.New(cfg)
			contract.WantError(t, err, channel.Terminal, tc.wantReason)
			if !strings.Contains(err.Error(), tc.wantWords) || strings.Contains(err.Error(), "sk_secret") {
				t.Errorf("error %v, want it to name %s and no secret", err, tc.wantWords)
			}
		})
	}
}
