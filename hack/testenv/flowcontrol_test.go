package testenv_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	flowcontrolv1 "k8s.io/api/flowcontrol/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// matched notes by which FlowSchema the API server has taken a request.
type matched struct {
	next http.RoundTripper
	uid  *atomic.Value
}

func (m matched) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := m.next.RoundTrip(r)
	if err == nil {
		m.uid.Store(resp.Header.Get(flowcontrolv1.ResponseHeaderMatchedFlowSchemaUID))
	}
	return resp, err
}

// TestRequestsFindTheirFlow makes requests as the manager's account: each must get the share of the API server
// that is meant for it.
func TestRequestsFindTheirFlow(t *testing.T) {
	t.Parallel()
	for _, obj := range build(t, "flowcontrol") {
		apply(t, env.Client, obj)
	}
	ns := env.Namespace(t)
	var uid atomic.Value
	cfg := rest.CopyConfig(env.Config)
	cfg.Impersonate = rest.ImpersonationConfig{
		UserName: "system:serviceaccount:tallyman-system:tallyman",
		Groups:   []string{"system:serviceaccounts", "system:serviceaccounts:tallyman-system", "system:authenticated"},
	}
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { return matched{next, &uid} })
	c, err := client.New(cfg, client.Options{Scheme: env.Scheme, Mapper: env.Client.RESTMapper()})
	if err != nil {
		t.Fatal(err)
	}
	for schema, request := range map[string]func(context.Context) error{
		"tallyman-leader-election": func(ctx context.Context) error {
			return c.List(ctx, &coordinationv1.LeaseList{}, client.InNamespace(ns))
		},
		"tallyman-log": func(ctx context.Context) error {
			return c.Create(ctx, &inventoryv1alpha1.InventoryBatch{
				ObjectMeta: metav1.ObjectMeta{Namespace: ns, GenerateName: "wd-"},
				Stock:      []inventoryv1alpha1.LocationStock{},
			})
		},
		"tallyman": func(ctx context.Context) error {
			return c.List(ctx, &inventoryv1alpha1.InventorySnapshotList{}, client.InNamespace(ns))
		},
	} {
		want := &flowcontrolv1.FlowSchema{}
		if err := env.Client.Get(t.Context(), client.ObjectKey{Name: schema}, want); err != nil {
			t.Fatal(err)
		}
		// The API server learns of flow schemas by watch.
		err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, 30*time.Second, true, func(ctx context.Context) (bool, error) {
			err := request(ctx)
			if apierrors.IsForbidden(err) {
				err = nil // classified all the same: roles are not this test's business
			}
			return uid.Load() == string(want.UID), err
		})
		if err != nil {
			t.Errorf("no request is taken by the FlowSchema %s: %v", schema, err)
		}
	}
}
