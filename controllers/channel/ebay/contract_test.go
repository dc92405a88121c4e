package ebay_test

import (
	"net/http"
	"strings"
	"testing"

	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/ebay"
	"tallyman.dev/tallyman/controllers/channel/ebay/ebaytest"
	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

func TestContract(t *testing.T) {
	t.Parallel()
	contract.Run(t, contract.Subject{
		Factory:    ebay.New,
		Modes:      []inventoryv1alpha1.ChannelMode{inventoryv1alpha1.LocationWise, inventoryv1alpha1.Consolidated},
		Start:      startServer,
		UniqueSKUs: true,
		SKUs:       []string{"PLAIN-1", "with space", `quote"d\`, "<a>&b=c", "a+b%2F;#?", "größe/42", "0012", "1e3", strings.Repeat("X", 50)},
	})
}

// server is an eBay behind a front that plays the behaviours of the contract.
type server struct {
	*contract.Front
	*ebaytest.Server
}

func startServer(t *testing.T, mode inventoryv1alpha1.ChannelMode, elsewhere string) (contract.Server, channel.Config) {
	t.Helper()
	fake := ebaytest.New()
	api := func(r *http.Request, _ []byte) bool { return r.URL.Path != ebaytest.TokenPath }
	s := &server{Server: fake, Front: &contract.Front{
		Next: fake, Elsewhere: elsewhere, About: api, Holds: api,
		Writes: func(r *http.Request, _ []byte) bool { return r.URL.Path == ebaytest.UpdatePath },
		Plays:  map[contract.Behaviour]func(bool){contract.Deny: fake.Deny},
		Answers: map[contract.Behaviour]http.Handler{
			contract.Throttle: ebaytest.Throttled(contract.Pause),
			contract.Break:    ebaytest.Refused(http.StatusInternalServerError, ebaytest.Fault{ErrorID: 25001, Domain: "API_INVENTORY", Category: "APPLICATION", Message: "A system error has occurred."}),
		},
	}}
	cfg := configFor(fakeserver.Start(t, s.Front))
	cfg.Channel.Spec.Mode = mode
	return s, cfg
}

func configFor(url string) channel.Config {
	return channel.Config{
		Channel: &inventoryv1alpha1.Channel{Spec: inventoryv1alpha1.ChannelSpec{
			Type: inventoryv1alpha1.ChannelEBay, Mode: inventoryv1alpha1.Consolidated,
			EBay: &inventoryv1alpha1.EBayChannel{URL: inventoryv1alpha1.HTTPURL(url)},
		}},
		Credentials: map[string][]byte{
			"clientId": []byte(ebaytest.ClientID), "clientSecret": []byte(ebaytest.ClientSecret + "\n"), "refreshToken": []byte(ebaytest.RefreshToken),
		},
		Clock: clock.RealClock{},
	}
}

// Quantity is what buyers see, or what lies at a location.
func (s *server) Quantity(location, sku string) (int64, bool) {
	it, _ := s.Item(sku)
	if it.Quantity == nil {
		return 0, false
	}
	total := *it.Quantity
	for _, o := range it.Offers {
		total = min(total, o.AvailableQuantity)
	}
	if location == "" {
		return total, true
	}
	for _, d := range it.Distributions {
		if d.MerchantLocationKey == location {
			return d.Quantity, true
		}
	}
	return 0, false
}

func (*server) Duplicate(string) { panic("eBay keeps SKUs unique") }
