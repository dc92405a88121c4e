package commit

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var (
	resource = schema.GroupResource{Group: "inventory.tallyman.dev", Resource: "inventorysnapshots"}

	errInvalid = apierrors.NewInvalid(schema.GroupKind{Group: resource.Group, Kind: "InventorySnapshot"}, "x", nil)
	errDial    = &url.Error{Op: "Post", URL: "https://api", Err: &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}}
	errReset   = &url.Error{Op: "Post", URL: "https://api", Err: &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}}
)

func TestClassify(t *testing.T) {
	t.Parallel()
	answer := func(code int) error {
		return apierrors.NewGenericServerResponse(code, "post", resource, "x", "", 0, true)
	}
	for name, test := range map[string]struct {
		err  error
		want result
	}{
		"success":             {nil, stored},
		"too many requests":   {apierrors.NewTooManyRequests("slow down", 1), notExecuted},
		"429 without a body":  {answer(http.StatusTooManyRequests), notExecuted},
		"connection refused":  {errDial, notExecuted},
		"wrapped":             {fmt.Errorf("create: %w", errDial), notExecuted},
		"invalid":             {errInvalid, refused},
		"bad request":         {apierrors.NewBadRequest("no"), refused},
		"forbidden":           {apierrors.NewForbidden(resource, "x", io.EOF), refused},
		"unauthorized":        {apierrors.NewUnauthorized("no"), refused},
		"no such namespace":   {apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, "x"), refused},
		"already exists":      {apierrors.NewAlreadyExists(resource, "x"), refused},
		"conflict":            {apierrors.NewConflict(resource, "x", io.EOF), refused},
		"method":              {apierrors.NewMethodNotSupported(resource, "create"), refused},
		"too large":           {apierrors.NewRequestEntityTooLargeError("3 MB"), refused},
		"media type":          {answer(http.StatusUnsupportedMediaType), refused},
		"connection lost":     {errReset, unknown},
		"connection closed":   {&url.Error{Op: "Post", URL: "https://api", Err: io.ErrUnexpectedEOF}, unknown},
		"deadline":            {context.DeadlineExceeded, unknown},
		"cancelled":           {context.Canceled, unknown},
		"internal error":      {apierrors.NewInternalError(io.EOF), unknown},
		"etcd timed out":      {apierrors.NewServerTimeout(resource, "create", 2), unknown},
		"request timed out":   {apierrors.NewTimeoutError("too slow", 0), unknown},
		"gateway timeout":     {answer(http.StatusGatewayTimeout), unknown},
		"bad gateway":         {answer(http.StatusBadGateway), unknown},
		"service unavailable": {apierrors.NewServiceUnavailable("starting"), unknown},
		"anything else":       {io.EOF, unknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := classify(test.err); got != test.want {
				t.Errorf("classify(%v) = %s, want %s", test.err, got, test.want)
			}
		})
	}
}
