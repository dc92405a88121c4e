package omni_test

import (
	"net/http"
	"testing"

	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/fakeserver"
	"tallyman.dev/tallyman/controllers/channel/omni"
	"tallyman.dev/tallyman/controllers/channel/omni/omnitest"
)

func TestContract(t *testing.T) {
	t.Parallel()
	for name, tokens := range map[string]bool{"static headers": false, "get credential": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			contract.Run(t, contract.Subject{
				Factory: omni.New,
				Modes:   []inventoryv1alpha1.ChannelMode{inventoryv1alpha1.LocationWise, inventoryv1alpha1.Consolidated},
				Start: func(t *testing.T, mode inventoryv1alpha1.ChannelMode, elsewhere string) (contract.Server, channel.Config) {
					return startServer(t, mode, tokens, elsewhere)
				},
			})
		})
	}
}

// server is a receiver behind a front that plays the behaviours of the contract.
type server struct {
	*contract.Front
	*omnitest.Receiver
}

// startServer starts a receiver that wants a static header and, if tokens, one of Get Credential.
func startServer(t *testing.T, mode inventoryv1alpha1.ChannelMode, tokens bool, elsewhere string) (*server, channel.Config) {
	t.Helper()
	fake := omnitest.New()
	required := http.Header{"X-Api-Key": {"s3cret-key"}}
	fake.Require(required)
	puts := func(r *http.Request, _ []byte) bool { return r.Method == http.MethodPut }
	s := &server{Receiver: fake, Front: &contract.Front{
		Next: fake, Elsewhere: elsewhere, Writes: puts, About: puts,
		Answers: map[contract.Behaviour]http.Handler{
			contract.Throttle: omnitest.Throttled(contract.Pause),
			contract.Break:    omnitest.Refused(http.StatusInternalServerError, "no database"),
		},
		Plays: map[contract.Behaviour]func(bool){
			contract.Deny:   contract.Toggle(func() { fake.Require(required) }, func() { fake.Require(http.Header{"X-Api-Key": {"another one"}}) }),
			contract.Refuse: contract.Toggle(func() { fake.Heal(contract.Refused) }, func() { fake.Fail(contract.Refused) }),
		},
	}}
	url := fakeserver.Start(t, s.Front)
	spec := &inventoryv1alpha1.OmniChannel{URL: inventoryv1alpha1.HTTPURL(url + "/inventories")}
	if tokens {
		fake.IssueTokens("Authorization")
		spec.CredentialURL = inventoryv1alpha1.HTTPURL(url + "/credential")
	}
	return s, channel.Config{
		Channel: &inventoryv1alpha1.Channel{Spec: inventoryv1alpha1.ChannelSpec{
			Type: inventoryv1alpha1.ChannelOmni, Omni: spec, Mode: mode,
		}},
		Credentials: map[string][]byte{"X-Api-Key": []byte("s3cret-key")},
		Clock:       clock.RealClock{},
	}
}
