package omni

import (
	"context"
	"fmt"
	"net/http"

	"tallyman.dev/tallyman/controllers/channel"
)

// maxHeaders bounds what Get Credential may answer.
const maxHeaders = 64

// getCredential returns the login of a session with Get Credential: an answer's headers, added to the
// static ones.
func getCredential(client *channel.HTTPClient, url string, static http.Header) func(context.Context) (*channel.Grant, error) {
	return func(ctx context.Context) (*channel.Grant, error) {
		answer, err := client.Do(ctx, channel.Request{Method: http.MethodGet, URL: url, Header: static})
		if err != nil {
			return nil, err
		}
		return readGrant(client, answer, static)
	}
}

// readGrant reads what Get Credential has answered. It may hold secrets: no error quotes it.
func readGrant(client *channel.HTTPClient, answer *channel.Response, static http.Header) (*channel.Grant, error) {
	var pairs map[string]string
	if client.Decode(answer, &pairs) != nil {
		return nil, channel.NewError(channel.Retry, channel.ReasonInvalidCredential, "credentialUrl: the answer is not a JSON object of headers")
	}
	if len(pairs) > maxHeaders {
		return nil, channel.NewError(channel.Retry, channel.ReasonInvalidCredential, fmt.Sprintf("credentialUrl: the answer has %d headers, more than %d", len(pairs), maxHeaders))
	}
	out := &channel.Grant{Header: static.Clone()}
	for name, value := range pairs {
		if err := channel.CheckHeader(name, value); err != nil {
			return nil, err
		}
		out.Header.Set(name, value)
		client.Mask(value)
	}
	return out, nil
}
