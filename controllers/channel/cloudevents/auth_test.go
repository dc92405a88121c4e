package cloudevents_test

import (
	"strings"
	"testing"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/cloudevents"
	"tallyman.dev/tallyman/controllers/channel/contract"
)

// keyPair makes the key of a user, an account or an operator.
func keyPair(t *testing.T, create func() (nkeys.KeyPair, error)) (pair nkeys.KeyPair, public, seed string) {
	t.Helper()
	pair, err := create()
	if err != nil {
		t.Fatal(err)
	}
	public, err = pair.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := pair.Seed()
	if err != nil {
		t.Fatal(err)
	}
	return pair, public, string(raw)
}

// TestCredentials reaches a server by each kind, and is refused with those of somebody else.
func TestCredentials(t *testing.T) {
	t.Parallel()
	_, public, seed := keyPair(t, nkeys.CreateUser)
	_, _, stranger := keyPair(t, nkeys.CreateUser)
	cases := map[string]struct {
		change     func(*server.Options)
		good, evil map[string]string
	}{
		"user and password": {
			func(*server.Options) {},
			map[string]string{"username": busUser, "password": busPassword + "\n"}, // as a file ends
			map[string]string{"username": busUser, "password": "another"},
		},
		"nkey": {
			func(o *server.Options) { o.Nkeys = []*server.NkeyUser{{Nkey: public, Permissions: leastRights()}} },
			map[string]string{"nkey": seed},
			map[string]string{"nkey": stranger},
		},
		"token": {
			func(o *server.Options) { o.Users, o.Authorization = nil, "s3cret-token" },
			map[string]string{"token": "s3cret-token"},
			map[string]string{"token": "another-token"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := startBus(t, nil, tc.change)
			b.createStream()
			cfg := b.config(inventoryv1alpha1.LocationWise)
			probe := func(secret map[string]string) error {
				cfg.Credentials = bytesOf(secret)
				return build(t, cfg).Probe(t.Context())
			}
			if err := probe(tc.good); err != nil {
				t.Errorf("Probe: %v", err)
			}
			contract.WantError(t, probe(tc.evil), channel.Unauthorized, "Unauthorized")
			contract.WantError(t, probe(nil), channel.Unauthorized, "Unauthorized")
		})
	}
}

func bytesOf(secret map[string]string) map[string][]byte {
	out := map[string][]byte{}
	for key, value := range secret {
		out[key] = []byte(value)
	}
	return out
}

// TestCredentialsFile reaches a server that trusts JWTs of an operator.
func TestCredentialsFile(t *testing.T) {
	t.Parallel()
	operator, operatorPublic, _ := keyPair(t, nkeys.CreateOperator)
	account, accountPublic, _ := keyPair(t, nkeys.CreateAccount)
	_, userPublic, userSeed := keyPair(t, nkeys.CreateUser)
	operatorClaims := jwt.NewOperatorClaims(operatorPublic)
	if _, err := operatorClaims.Encode(operator); err != nil {
		t.Fatal(err)
	}
	accountJWT, err := jwt.NewAccountClaims(accountPublic).Encode(operator)
	if err != nil {
		t.Fatal(err)
	}
	userJWT, err := jwt.NewUserClaims(userPublic).Encode(account)
	if err != nil {
		t.Fatal(err)
	}
	file, err := jwt.FormatUserConfig(userJWT, []byte(userSeed))
	if err != nil {
		t.Fatal(err)
	}
	resolver := &server.MemAccResolver{}
	if err := resolver.Store(accountPublic, accountJWT); err != nil {
		t.Fatal(err)
	}
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: -1, NoLog: true, NoSigs: true,
		TrustedOperators: []*jwt.OperatorClaims{operatorClaims}, AccountResolver: resolver,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(s.Shutdown)
	if !s.ReadyForConnections(patience) {
		t.Fatal("the NATS server does not start")
	}
	cfg := natsConfig(s.ClientURL(), inventoryv1alpha1.LocationWise)
	cfg.Credentials = map[string][]byte{"creds": file}
	// The account has no JetStream: what it says shows that the user was let in.
	contract.WantError(t, build(t, cfg).Probe(t.Context()), channel.Retry, "NoStream")
	_, _, strangerSeed := keyPair(t, nkeys.CreateUser)
	cfg.Credentials = map[string][]byte{"creds": []byte(strings.ReplaceAll(string(file), userSeed, strangerSeed))}
	contract.WantError(t, build(t, cfg).Probe(t.Context()), channel.Unauthorized, "Unauthorized")
}

func TestCredentialsThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	_, _, account := keyPair(t, nkeys.CreateAccount)
	cases := map[string]struct {
		secret map[string]string
		words  string
	}{
		"unknown keys":       {map[string]string{"user": "s3cret"}, "username and password"},
		"empty":              {map[string]string{"token": " \n"}, "username and password"},
		"two kinds":          {map[string]string{"token": "s3cret", "username": "s3cret"}, "one of token"},
		"seed that is none":  {map[string]string{"nkey": "s3cret"}, "nkey"},
		"seed of an account": {map[string]string{"nkey": account}, "SU"},
		"no file":            {map[string]string{"creds": "s3cret"}, "creds"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := natsConfig("nats://127.0.0.1:1", inventoryv1alpha1.LocationWise)
			cfg.Credentials = bytesOf(tc.secret)
			_, err := cloudevents.New(cfg)
			contract.WantError(t, err, channel.Terminal, "InvalidCredentials")
			if !strings.Contains(err.Error(), tc.words) || strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), account) {
				t.Errorf("error %v, want it to name %q and no secret", err, tc.words)
			}
		})
	}
}
