package vendure

import (
	"context"
	"net/http"
	"strings"

	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/graphql"
)

// Keys of the credentials Secret.
const (
	usernameKey = "username"
	passwordKey = "password"
	apiKeyKey   = "apiKey"
)

// credentials are a user and a password, or an API key.
type credentials struct{ username, password, apiKey string }

func newCredentials(cfg channel.Config) (credentials, error) {
	secret := cfg.Secret()
	kind, err := secret.OneOf([]string{usernameKey, passwordKey}, []string{apiKeyKey})
	if err != nil {
		return credentials{}, err
	}
	if kind == 1 {
		key, err := secret.Token(apiKeyKey)
		return credentials{apiKey: key}, err
	}
	values, err := secret.Texts(usernameKey, passwordKey)
	if err != nil {
		return credentials{}, err
	}
	return credentials{username: values[0], password: values[1]}, nil
}

// loginInput are the variables of a login.
type loginInput struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

// loginAnswer is a user, or why there is none.
type loginAnswer struct {
	Login struct {
		Type    string `json:"__typename"`
		Code    string `json:"errorCode"`
		Message string `json:"message"`
	} `json:"login"`
}

// logIn is the login of the session.
func (c *connector) logIn(who credentials) func(context.Context) (*channel.Grant, error) {
	return func(ctx context.Context) (*channel.Grant, error) {
		var header http.Header
		open := *c.open
		open.Do = func(ctx context.Context, r channel.Request) (*channel.Response, error) {
			response, err := c.http.Do(ctx, r)
			if response != nil {
				header = response.Header
			}
			return response, err
		}
		var a loginAnswer
		request := graphql.Request{Query: loginMutation, Variables: loginInput{who.username, who.password}}
		if _, err := open.Call(ctx, request, &a); err != nil {
			return nil, channel.BlameNoItem(err)
		}
		if a.Login.Type != "CurrentUser" {
			return nil, channel.NewError(channel.Unauthorized, reasonLoginRefused, c.http.Redact(strings.TrimSpace(a.Login.Code+" "+a.Login.Message)))
		}
		return c.grant(header)
	}
}

// grant takes what a shop gives for a login: a token where its tokenMethod has bearer, or else cookies.
func (c *connector) grant(header http.Header) (*channel.Grant, error) {
	if token := header.Get(tokenHeader); token != "" {
		c.http.Mask(token)
		return &channel.Grant{Header: http.Header{"Authorization": {"Bearer " + token}}}, nil
	}
	var pairs []string
	for _, cookie := range (&http.Response{Header: header}).Cookies() {
		c.http.Mask(cookie.Value)
		pairs = append(pairs, cookie.Name+"="+cookie.Value)
	}
	if len(pairs) == 0 {
		return nil, channel.InvalidAnswer("the login was answered with neither a token nor a cookie")
	}
	return &channel.Grant{Header: http.Header{"Cookie": {strings.Join(pairs, "; ")}}}, nil
}

// lapsed reports whether a session has ended, which Vendure says in a success. A permission that is missing
// looks the same: then a new session does not help, and the call fails.
func lapsed(r *channel.Response, _ error) bool {
	if r == nil {
		return false
	}
	if r.Status == http.StatusUnauthorized {
		return true
	}
	answer := graphql.Parse(r)
	return answer != nil && answer.Errors.With(graphql.CodeForbidden) != nil
}
