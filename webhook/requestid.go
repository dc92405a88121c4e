package webhook

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/log"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// requestIDHeader names a request, in both directions.
const requestIDHeader = "X-Request-Id"

// requestIDCharacters are those of a request id besides letters and digits: what UUIDs, trace contexts and the ids
// of load balancers are made of, and nothing that JSON, a log or a terminal would have to escape.
const requestIDCharacters = "-._~:/+=@;,"

type requestIDKey struct{}

// requestID returns the id of the request that a context belongs to; empty where it belongs to none.
func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// identify gives every request an id: the sender's where that is sound, and a random one otherwise. The answer
// carries it, whatever it is, and the logger in the context names it.
func identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(requestIDHeader)
		if !soundRequestID(id) {
			id = rand.Text()
		}
		w.Header().Set(requestIDHeader, id)
		ctx := context.WithValue(r.Context(), requestIDKey{}, id)
		ctx = log.IntoContext(ctx, log.FromContext(ctx).WithValues("requestId", id))
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// soundRequestID reports whether a sender's request id can be taken over.
func soundRequestID(id string) bool {
	if id == "" || len(id) > inventoryv1alpha1.MaxRequestIDLength {
		return false
	}
	return !strings.ContainsFunc(id, func(r rune) bool {
		alphanumeric := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !alphanumeric && !strings.ContainsRune(requestIDCharacters, r)
	})
}
