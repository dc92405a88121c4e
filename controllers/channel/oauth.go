package channel

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"time"
)

// TokenRequest asks an OAuth 2.0 token endpoint for an access token.
type TokenRequest struct {
	// URL of the endpoint.
	URL string
	// ClientID and ClientSecret are sent by HTTP Basic authentication; not at all where both are empty,
	// for endpoints that want them in Form.
	ClientID, ClientSecret string
	// Form says which grant is used, with what belongs to it.
	Form url.Values
	// Header holds further headers.
	Header http.Header
}

// Token is an access token.
type Token struct {
	Value string
	// Expires is when it ends; zero where the endpoint does not say.
	Expires time.Time
}

// FetchToken makes a request for a token, which is masked from then on. An endpoint that refuses the
// grant answers 400 (RFC 6749, section 5.2): that blames the credentials, not a SKU.
func (c *HTTPClient) FetchToken(ctx context.Context, r TokenRequest) (Token, error) {
	header := http.Header{}
	if r.ClientID != "" || r.ClientSecret != "" {
		header.Set("Authorization", c.BasicAuth(r.ClientID, r.ClientSecret))
	}
	maps.Copy(header, r.Header)
	asked := c.clock.Now()
	answer, err := c.Do(ctx, Request{Method: http.MethodPost, URL: r.URL, Header: header, Body: r.Form})
	if err != nil {
		if answer != nil && answer.Status == http.StatusBadRequest {
			return Token{}, AsError(err).With(Unauthorized).WithReason(ReasonTokenRefused)
		}
		return Token{}, err
	}
	return c.readToken(answer.Body, asked)
}

// TokenLogin returns the Login of a Session that gets tokens of a token endpoint. Calls carry them in a header, after
// a prefix such as "Bearer ".
func (c *HTTPClient) TokenLogin(header, prefix string, request func() TokenRequest) func(context.Context) (*Grant, error) {
	return func(ctx context.Context) (*Grant, error) {
		token, err := c.FetchToken(ctx, request())
		if err != nil {
			return nil, err
		}
		// The name is kept as it is written: there are channels that mind the case of letters.
		return &Grant{Header: http.Header{header: {prefix + token.Value}}, Expires: token.Expires}, nil
	}
}

// readToken reads the answer of a token endpoint, which may hold secrets: no error quotes it.
func (c *HTTPClient) readToken(answer []byte, asked time.Time) (Token, error) {
	var body struct {
		AccessToken string      `json:"access_token"`
		ExpiresIn   json.Number `json:"expires_in"` // seconds
	}
	if json.Unmarshal(answer, &body) != nil || body.AccessToken == "" {
		return Token{}, NewError(Retry, ReasonInvalidCredential, "the token endpoint did not answer with an access token")
	}
	c.Mask(body.AccessToken)
	out := Token{Value: body.AccessToken}
	if seconds, err := body.ExpiresIn.Float64(); err == nil && seconds > 0 {
		out.Expires = asked.Add(time.Duration(min(seconds, maxLifetime.Seconds())) * time.Second)
	}
	return out, nil
}

// maxLifetime bounds how long a token is believed to last.
const maxLifetime = 365 * 24 * time.Hour
