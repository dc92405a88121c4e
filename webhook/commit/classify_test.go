package commit

import (
	"context"
	"errors"
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
	resource = schema.GroupResource{Group: "inventory.tallyman.dev", Resource: "inventorybatches"}

	errInvalid = apierrors.NewInvalid(schema.GroupKind{Group: resource.Group, Kind: "InventoryBatch"}, "x", nil)
	errDial    = &url.Error{Op: "Post", URL: "https://api", Err: &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}}
	errBroken  = &net.OpError{Op: "write", Net: "tcp", Err: syscall.EPIPE} // client-go repeats a read after a reset, a second later, but not after this
	errReset   = &url.Error{Op: "Post", URL: "https://api", Err: &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}}
)

// TestClassifyWire has what the network, and servers between here and there, answer.
func TestClassifyWire(t *testing.T) {
	t.Parallel()
	answer := func(code int) error {
		return apierrors.NewGenericServerResponse(code, "post", resource, "x", "", 0, true)
	}
	for name, test := range map[string]struct {
		err  error
		want result
	}{
		"too many requests":  {apierrors.NewTooManyRequests("slow down", 1), notExecuted},
		"429 without a body": {answer(http.StatusTooManyRequests), notExecuted},
		"connection refused": {errDial, notExecuted},
		"wrapped":            {fmt.Errorf("create: %w", errDial), notExecuted},
		"invalid":            {errInvalid, refused},
		"unauthorized":       {apierrors.NewUnauthorized("no"), notExecuted},
		"forbidden by RBAC":  {apierrors.NewForbidden(resource, "", io.EOF), notExecuted},
		"forbidden by quota": {apierrors.NewForbidden(resource, "x", io.EOF), refused},
		"not ready":          {apierrors.NewForbidden(resource, "x", errors.New("not yet ready to handle request")), notExecuted},
		"conflict":           {apierrors.NewConflict(resource, "x", io.EOF), refused},
		"method":             {apierrors.NewMethodNotSupported(resource, "create"), refused},
		"too large":          {apierrors.NewRequestEntityTooLargeError("3 MB"), refused},
		"media type":         {answer(http.StatusUnsupportedMediaType), refused},
		"connection lost":    {errReset, unknown},
		"connection broken":  {&url.Error{Op: "Post", URL: "https://api", Err: errBroken}, unknown},
		"connection closed":  {&url.Error{Op: "Post", URL: "https://api", Err: io.ErrUnexpectedEOF}, unknown},
		"cancelled":          {context.Canceled, unknown},
		"etcd timed out":     {apierrors.NewServerTimeout(resource, "create", 2), unknown},
		"gateway timeout":    {answer(http.StatusGatewayTimeout), unknown},
		"bad gateway":        {answer(http.StatusBadGateway), unknown},
		"anything else":      {io.EOF, unknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := classify(test.err); got != test.want {
				t.Errorf("classify(%v) = %s, want %s", test.err, got, test.want)
			}
		})
	}
}
