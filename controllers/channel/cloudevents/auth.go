package cloudevents

import (
	"fmt"
	"maps"

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

// newAuth reads a Secret with username and password, or one of token, nkey and creds; none is nobody. Its error
// is an *Error of class Terminal.
func newAuth(cfg channel.Config) (auth, error) {
	out, secret := auth{secrets: maps.Clone(cfg.Credentials)}, cfg.Secret()
	var kinds []string
	for _, key := range []string{usernameKey, tokenKey, nkeyKey, credsKey} {
		if secret.Has(key) {
			kinds = append(kinds, key)
		}
	}
	switch {
	case len(kinds) == 0 && len(cfg.Credentials) == 0:
		return out, nil
	case len(kinds) != 1:
		return auth{}, secret.Unfit(fmt.Sprintf("must hold username and password, or one of token, nkey and creds; it holds %d of them", len(kinds)))
	}
	err := out.take(secret, kinds[0])
	return out, err
}

// take reads the one kind of credentials that a Secret holds.
func (a *auth) take(secret channel.Secret, kind string) error {
	if kind == credsKey {
		return a.takeCreds(secret)
	}
	values, err := secret.Texts(kind)
	if err != nil {
		return err
	}
	switch kind {
	case usernameKey:
		var password string
		password, err = secret.Optional(passwordKey)
		a.option = nats.UserInfo(values[0], password)
	case tokenKey:
		a.option = nats.Token(values[0])
	case nkeyKey:
		a.option, err = nkeyOption(secret, values[0])
	}
	return err
}

// nkeyOption signs with the seed of a user.
func nkeyOption(secret channel.Secret, seed string) (nats.Option, error) {
	pair, err := nkeys.FromSeed([]byte(seed)) // errors of nkeys do not quote it
	if err != nil {
		return nil, secret.Invalid(nkeyKey, "cannot be used: "+err.Error())
	}
	public, err := pair.PublicKey()
	if err != nil || !nkeys.IsValidPublicUserKey(public) {
		return nil, secret.Invalid(nkeyKey, "must be the seed of a user, which begins with SU")
	}
	return nats.Nkey(public, pair.Sign), nil
}

// takeCreds takes a credentials file: a JWT and the seed that signs for it.
func (a *auth) takeCreds(secret channel.Secret) error {
	file, err := secret.File(credsKey)
	if err != nil {
		return err
	}
	jwt, err := nkeys.ParseDecoratedJWT(file)
	if err != nil {
		return secret.Invalid(credsKey, "holds no JWT of a user")
	}
	pair, err := nkeys.ParseDecoratedUserNKey(file)
	if err != nil {
		return secret.Invalid(credsKey, "holds no seed of a user")
	}
	seed, err := pair.Seed()
	if err != nil {
		return secret.Invalid(credsKey, "holds no seed of a user")
	}
	a.option = nats.UserCredentialBytes(file)
	a.secrets["jwt"], a.secrets["seed"] = []byte(jwt), seed
	return nil
}
