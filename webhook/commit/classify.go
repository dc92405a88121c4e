package commit

import (
	"errors"
	"net"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// result is what is known of a create.
type result string

const (
	stored      result = "stored"
	refused     result = "refused"      // and will be every time
	notExecuted result = "not_executed" // and may work later
	unknown     result = "unknown"
)

// classify tells what an error says about whether the object is stored. Only what the API server
// decides before it writes, and a connection that never came about, are certain.
func classify(err error) result {
	var op *net.OpError
	switch {
	case err == nil:
		return stored
	case apierrors.IsTooManyRequests(err), noRights(err), notReady(err), errors.As(err, &op) && op.Op == "dial":
		return notExecuted
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err), apierrors.IsForbidden(err),
		apierrors.IsNotFound(err), apierrors.IsAlreadyExists(err), apierrors.IsConflict(err),
		apierrors.IsMethodNotSupported(err), apierrors.IsRequestEntityTooLargeError(err), apierrors.IsUnsupportedMediaType(err):
		return refused
	default: // time-outs, lost connections, 5xx
		return unknown
	}
}

// noRights reports whether a create failed because of who made it: the token is not accepted, or RBAC
// does not allow it. Neither is the sender's fault, and both pass. RBAC decides before the object is
// read, so its refusal names none, where one by admission (a quota, a policy, a namespace that is
// being deleted) does, and a webhook's has no details unless the webhook says so itself.
func noRights(err error) bool {
	if apierrors.IsUnauthorized(err) {
		return true
	}
	status, ok := errors.AsType[*apierrors.StatusError](err)
	if !ok || !apierrors.IsForbidden(err) {
		return false
	}
	details := status.ErrStatus.Details
	return details != nil && details.Name == "" && len(details.Causes) == 0
}

// notReady reports whether an API server that has just started does not know yet what its admission decides by.
func notReady(err error) bool {
	return apierrors.IsForbidden(err) && strings.HasSuffix(err.Error(), "not yet ready to handle request")
}

// namespaceGone reports whether a create failed because its namespace is being deleted or does not exist.
func namespaceGone(err error) bool {
	if apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) {
		return true
	}
	status, ok := errors.AsType[*apierrors.StatusError](err)
	if !ok || !apierrors.IsNotFound(err) {
		return false // another NotFound may be of the kind, on an API server that has just started
	}
	details := status.ErrStatus.Details
	return details != nil && details.Kind == "namespaces"
}
