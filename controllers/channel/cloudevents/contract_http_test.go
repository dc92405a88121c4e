package cloudevents_test

import (
	"net/http"
	"testing"

	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/cloudevents"
	"tallyman.dev/tallyman/controllers/channel/cloudevents/cloudeventstest"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

// bothModes are all there are.
var bothModes = []inventoryv1alpha1.ChannelMode{inventoryv1alpha1.LocationWise, inventoryv1alpha1.Consolidated}

func TestHTTPContract(t *testing.T) {
	t.Parallel()
	contract.Run(t, contract.Subject{
		Factory: cloudevents.New, Modes: bothModes, Start: startReceiver, KeepsOrder: true,
		Cannot: []contract.Behaviour{contract.Garble}, // what a receiver says beside 2xx means nothing
	})
}

// httpServer is a receiver behind a front that plays the behaviours of the contract.
type httpServer struct {
	*contract.Front
	*cloudeventstest.Receiver
}

func startReceiver(t *testing.T, mode inventoryv1alpha1.ChannelMode, elsewhere string) (contract.Server, channel.Config) {
	t.Helper()
	fake := cloudeventstest.New()
	required := http.Header{"X-Api-Key": {"s3cret-key"}}
	fake.Require(required)
	batches := func(r *http.Request, _ []byte) bool { return r.Method == http.MethodPost }
	s := &httpServer{Receiver: fake, Front: &contract.Front{
		Next: fake, Elsewhere: elsewhere, Writes: batches, About: batches, Late: true,
		Plays: map[contract.Behaviour]func(bool){
			contract.Deny:   contract.Toggle(func() { fake.Require(required) }, func() { fake.Require(http.Header{"X-Api-Key": {"another one"}}) }),
			contract.Refuse: contract.Toggle(func() { fake.Fail() }, func() { fake.Fail(contract.Refused) }),
		},
	}}
	cfg := httpConfig(fakeserver.Start(t, s.Front), mode)
	cfg.Credentials = map[string][]byte{"X-Api-Key": []byte("s3cret-key")}
	return s, cfg
}

func httpConfig(url string, mode inventoryv1alpha1.ChannelMode) channel.Config {
	ch := &inventoryv1alpha1.Channel{Spec: inventoryv1alpha1.ChannelSpec{
		Type: inventoryv1alpha1.ChannelCloudEvents, Mode: mode,
		CloudEvents: &inventoryv1alpha1.CloudEventsChannel{HTTP: &inventoryv1alpha1.CloudEventsHTTP{
			URL: inventoryv1alpha1.HTTPURL(url),
		}},
	}}
	ch.Namespace, ch.Name = "shop", "events"
	return channel.Config{Channel: ch, Clock: clock.RealClock{}}
}
