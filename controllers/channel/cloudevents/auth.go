package cloudevents

import (
	"bytes"
	"fmt"
	"maps"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"tallyman.dev/tallyman/controllers/channel"
)

// Keys of the credentials Secret of NATS.
const (
	usernameKey = "username"
	passwordKey = "password"
	tokenKey    = "token"
	nkeyKey     = "nkey"
	credsKey    = "creds"
)

// auth says who connects.
type auth struct {
	option nats.Option // nil for nobody
	// secrets are the Secret's values, and what is quoted of them.
	secrets map[string][]byte
}

// newAuth reads a Secret with username and password, or one of token, nkey and creds. Its error is an
// *Error of class Terminal.
func newAuth(credentials map[string][]byte) (auth, error) {
	out := auth{secrets: maps.Clone(credentials)}
	value := func(key string) string { return strings.TrimSpace(string(credentials[key])) }
	var forms []string
	for _, key := range []string{usernameKey, tokenKey, nkeyKey, credsKey} {
		if value(key) != "" {
			forms = append(forms, key)
		}
	}
	if len(forms) == 0 && len(credentials) > 0 || len(forms) > 1 {
		return auth{}, badAuth("must hold username and password, or one of token, nkey and creds; it holds %d of them", len(forms))
	}
	if len(forms) == 0 {
		return out, nil
	}
	var err error
	switch forms[0] {
	case usernameKey:
		out.option = nats.UserInfo(value(usernameKey), value(passwordKey))
	case tokenKey:
		out.option = nats.Token(value(tokenKey))
	case nkeyKey:
		out.option, err = nkeyOption([]byte(value(nkeyKey)))
	case credsKey:
		err = out.takeCreds(bytes.TrimSpace(credentials[credsKey]))
	}
	return out, err
}

// nkeyOption signs with the seed of a user.
func nkeyOption(seed []byte) (nats.Option, error) {
	pair, err := nkeys.FromSeed(seed) // errors of nkeys do not quote it
	if err != nil {
		return nil, badAuth("nkey: %v", err)
	}
	public, err := pair.PublicKey()
	if err != nil || !nkeys.IsValidPublicUserKey(public) {
		return nil, badAuth("nkey must be the seed of a user, which begins with SU")
	}
	return nats.Nkey(public, pair.Sign), nil
}

// takeCreds takes a credentials file: a JWT and the seed that signs for it.
func (a *auth) takeCreds(file []byte) error {
	jwt, err := nkeys.ParseDecoratedJWT(file)
	if err != nil {
		return badAuth("creds: no JWT of a user")
	}
	pair, err := nkeys.ParseDecoratedUserNKey(file)
	if err != nil {
		return badAuth("creds: no seed of a user")
	}
	seed, err := pair.Seed()
	if err != nil {
		return badAuth("creds: no seed of a user")
	}
	a.option = nats.UserCredentialBytes(file)
	a.secrets["jwt"], a.secrets["seed"] = []byte(jwt), seed
	return nil
}

func badAuth(format string, args ...any) error {
	return channel.NewError(channel.Terminal, "InvalidCredentials", "spec.credentialsSecretRef: "+fmt.Sprintf(format, args...))
}
