package lease

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// ErrNotHolder means that somebody else holds the Lease.
var ErrNotHolder = errors.New("the Lease is somebody else's")

// Term returns a number for the time for which a process leads that has been elected: the resourceVersion of
// the Lease as it is while the process holds it. That of a later leader is larger, as it has to write the Lease to take over.
// The reader must not be cached.
func Term(ctx context.Context, r client.Reader, key types.NamespacedName, identity string) (uint64, error) {
	lease := &coordinationv1.Lease{}
	if err := r.Get(ctx, key, lease); err != nil {
		return 0, fmt.Errorf("read Lease %s: %w", key, err)
	}
	if holder(lease) != identity {
		return 0, fmt.Errorf("read Lease %s: %w", key, ErrNotHolder)
	}
	return revision(lease)
}

// Take makes a process the holder of a Lease for which there is no election, and returns the number of its term.
func Take(ctx context.Context, c client.Client, key types.NamespacedName, identity string) (uint64, error) {
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}}
	lease.Spec.HolderIdentity = &identity
	err := c.Create(ctx, lease)
	if apierrors.IsAlreadyExists(err) {
		patch := client.RawPatch(types.MergePatchType, fmt.Appendf(nil, `{"spec":{"holderIdentity":%q}}`, identity))
		err = c.Patch(ctx, lease, patch)
	}
	if err != nil {
		return 0, fmt.Errorf("write Lease %s: %w", key, err)
	}
	return revision(lease)
}

func holder(lease *coordinationv1.Lease) string {
	if lease.Spec.HolderIdentity == nil {
		return ""
	}
	return *lease.Spec.HolderIdentity
}

func revision(lease *coordinationv1.Lease) (uint64, error) {
	n, err := strconv.ParseUint(lease.ResourceVersion, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read Lease %s: the API server's resourceVersion is no number: %w", lease.Name, err)
	}
	return n, nil
}
