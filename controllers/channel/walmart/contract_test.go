package walmart_test

import (
	"net/http"
	"testing"

	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/fakeserver"
	"tallyman.dev/tallyman/controllers/channel/walmart"
	"tallyman.dev/tallyman/controllers/channel/walmart/walmarttest"
)

func TestContract(t *testing.T) {
	t.Parallel()
	for name, threshold := range map[string]int32{"requests": 10_000, "feeds": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			contract.Run(t, contract.Subject{
				Factory: walmart.New,
				Modes:   []inventoryv1alpha1.ChannelMode{inventoryv1alpha1.LocationWise, inventoryv1alpha1.Consolidated},
				Start: func(t *testing.T, mode inventoryv1alpha1.ChannelMode, elsewhere string) (contract.Server, channel.Config) {
					return startServer(t, mode, threshold, elsewhere)
				},
				UniqueSKUs: true,
			})
		})
	}
}

// server is a Walmart behind a front that plays the behaviours of the contract.
type server struct {
	*contract.Front
	*walmarttest.Server
}

func startServer(t *testing.T, mode inventoryv1alpha1.ChannelMode, threshold int32, elsewhere string) (contract.Server, channel.Config) {
	t.Helper()
	fake := walmarttest.New()
	api := func(r *http.Request, _ []byte) bool { return r.URL.Path != walmarttest.TokenPath }
	s := &server{Server: fake, Front: &contract.Front{
		Next: fake, Elsewhere: elsewhere, About: api, Holds: api,
		Writes: func(r *http.Request, body []byte) bool { return api(r, body) && r.Method != http.MethodGet },
		Plays:  map[contract.Behaviour]func(bool){contract.Deny: fake.Deny},
		Answers: map[contract.Behaviour]http.Handler{
			contract.Throttle: walmarttest.Throttled(contract.Pause),
			contract.Break:    walmarttest.Refused(http.StatusInternalServerError, walmarttest.Fault{Code: "SYSTEM_ERROR.GMP_GATEWAY_API", Category: "SYSTEM", Severity: "ERROR"}),
		},
	}}
	cfg := configFor(fakeserver.Start(t, s.Front))
	cfg.Channel.Spec.Mode = mode
	cfg.Channel.Spec.Walmart.FeedThreshold = threshold
	return s, cfg
}

func configFor(url string) channel.Config {
	return channel.Config{
		Channel: &inventoryv1alpha1.Channel{Spec: inventoryv1alpha1.ChannelSpec{
			Type: inventoryv1alpha1.ChannelWalmart, Mode: inventoryv1alpha1.Consolidated,
			Walmart: &inventoryv1alpha1.WalmartChannel{URL: inventoryv1alpha1.HTTPURL(url)},
		}},
		Credentials: map[string][]byte{"clientId": []byte(walmarttest.ClientID), "clientSecret": []byte(walmarttest.ClientSecret + "\n")},
		Clock:       clock.RealClock{},
	}
}

func (*server) Duplicate(string) { panic("Walmart keeps SKUs unique") }
