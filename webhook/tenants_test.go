package webhook

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/ledger"
	"tallyman.dev/tallyman/webhook/commit"
)

// newTenants is a harness with three tenants that all have a location wd003 with a SKU A: acme (5 and 1
// pieces), neighbour in acme's namespace (70), and rival elsewhere (1000, and 900 at R1).
func newTenants(t *testing.T) *harness {
	t.Helper()
	r := newHarness(t,
		tenant("ns", "neighbour", 6, "n", "latch"), login("ns", "latch", "neighbour", "pw"),
		newLocation("ns", "nwd003", "neighbour", "wd003", 1000901),
		newLocation("other", "rwd003", "rival", "wd003", 1000901),
	)
	stock := func(q inventoryv1alpha1.Quantity) ledger.View {
		return ledger.View{Pools: []ledger.PoolQuantity{{Quantity: q}}}
	}
	views := r.opts.Inventory.(fixedStock).views
	views["ns/nwd003/A"], views["other/rwd003/A"], views["other/r1/A"] = stock(70), stock(1000), stock(900)
	return r
}

// as is a call with a tenant's credentials.
func (c call) as(who string) call {
	c.header = map[string]string{"authUsername": who, "authDomainName": ""}
	return c
}

// TestTenantsWriteTheirOwn sends one request for each tenant: the names in it are the same.
func TestTenantsWriteTheirOwn(t *testing.T) {
	t.Parallel()
	stores := call{path: "/updateInventories", body: `{"inventories":[{"locationCode":"wd003","channelSkuCode":"ITEM302","quantity":40}]}`}
	for who, want := range map[string]commit.Commit{
		"acme":      to("wd003", 0, quantities{"ITEM302": 40}),
		"neighbour": from(to("nwd003", 0, quantities{"ITEM302": 40}), "neighbour", "latch"),
		"rival": {
			Namespace: "other", Sender: inventoryv1alpha1.BatchSender{Client: "rival", Credential: "key"},
			Stock: []inventoryv1alpha1.LocationStock{{LocationName: "rwd003", LocationUID: "other/rwd003", Quantities: quantities{"ITEM302": 40}}},
		},
	} {
		t.Run(who, func(t *testing.T) {
			t.Parallel()
			r := newTenants(t)
			for _, c := range []call{{body: specObject}, stores} {
				if resp := r.do(t, c.as(who)); resp.StatusCode != http.StatusOK {
					t.Errorf("status %d: %s; want 200", resp.StatusCode, text(t, resp))
				}
			}
			if diff := cmp.Diff([]commit.Commit{want, want}, r.writer.commits, anyRequestID); diff != "" {
				t.Errorf("commits (-want +got):\n%s", diff)
			}
		})
	}
}

// TestTenantsKeepTheirKeys has two tenants with one idempotency key: neither may find the other's.
func TestTenantsKeepTheirKeys(t *testing.T) {
	t.Parallel()
	r := newTenants(t)
	for _, who := range []string{"acme", "neighbour", "rival"} {
		c := call{body: specObject}.as(who)
		c.header["Idempotency-Key"] = "1"
		if resp := r.do(t, c); resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: status %d, want 200", who, resp.StatusCode)
		}
	}
	names := map[string]bool{}
	for _, c := range r.writer.commits {
		names[c.Name] = true
	}
	if len(names) != 3 {
		t.Errorf("batches are named %v, want three names", names)
	}
}

// TestTenantsReadTheirOwn reads and searches as each tenant.
func TestTenantsReadTheirOwn(t *testing.T) {
	t.Parallel()
	read := func(code string) call {
		return call{method: http.MethodPost, path: "/inventories", body: `{"locationCode":"` + code + `","channelSkuCodes":["A"]}`}
	}
	search := call{method: http.MethodPost, path: "/inventories/search-sku", body: `{"channelSkuCodes":["A"]}`}
	for name, tc := range map[string]struct {
		call
		status int
		want   string   // part of the answer
		never  []string // parts of what others have
	}{
		"acme reads":             {read("wd003").as("acme"), 200, `"quantity":6,`, []string{"70", "1000"}},
		"neighbour reads":        {read("wd003").as("neighbour"), 200, `"quantity":70,`, []string{`"quantity":6,`, "1000", "shop"}},
		"rival reads":            {read("wd003").as("rival"), 200, `"quantity":1000,`, []string{`"quantity":6,`, "70", "shop"}},
		"acme reads R1":          {read("R1").as("acme"), 403, codeForbidden, []string{"900"}},
		"neighbour reads a code": {read("STORE-12").as("neighbour"), 403, codeForbidden, []string{"quantity"}},
		"rival reads a code":     {read("STORE-12").as("rival"), 403, codeForbidden, []string{"quantity"}},
		"acme searches":          {search.as("acme"), 200, `"totalQuantity":9,`, []string{"70", "1000", "900", "R1"}},
		"neighbour searches":     {search.as("neighbour"), 200, `"totalQuantity":70,`, []string{"STORE-12", "1000", "900", "R1"}},
		"rival searches":         {search.as("rival"), 200, `"totalQuantity":1900,`, []string{"STORE-12", "70"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp := newTenants(t).do(t, tc.call)
			got := text(t, resp)
			if resp.StatusCode != tc.status || !strings.Contains(got, tc.want) {
				t.Errorf("status %d: %s; want %d with %s", resp.StatusCode, got, tc.status, tc.want)
			}
			for _, part := range tc.never {
				if strings.Contains(got, part) {
					t.Errorf("the answer %s shows %s, which is another tenant's", got, part)
				}
			}
		})
	}
}
