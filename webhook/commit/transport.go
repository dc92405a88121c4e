package commit

import "net/http"

// once keeps client-go from repeating a create of its own accord, which it does for any 5xx
// answer with a Retry-After header: the error of the last attempt would say nothing of the first
// one, which may have been stored, or may still be. An answer of 429 came before any write, and
// may be repeated.
func once(next http.RoundTripper) http.RoundTripper { return oneAttempt{next} }

type oneAttempt struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (o oneAttempt) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := o.next.RoundTrip(req)
	if err == nil && req.Method == http.MethodPost && resp.StatusCode >= http.StatusInternalServerError {
		resp.Header.Del("Retry-After")
	}
	return resp, err
}

// WrappedRoundTripper lets client-go find the transport beneath.
func (o oneAttempt) WrappedRoundTripper() http.RoundTripper { return o.next }
