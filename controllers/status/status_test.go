package status_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/status"
)

// conditionsOf renders conditions by type.
func conditionsOf(conditions []metav1.Condition) map[string]string {
	out := map[string]string{}
	for _, c := range conditions {
		out[c.Type] = string(c.Status) + " " + c.Reason + ": " + c.Message
	}
	return out
}

func TestSummariesAsKstatusReadsThem(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		summary status.Summary
		want    map[string]string
	}{
		"ready":       {status.Ready("Fine", "m"), map[string]string{"Ready": "True Fine: m"}},
		"reconciling": {status.Reconciling("Soon", "m"), map[string]string{"Ready": "False Soon: m", "Reconciling": "True Soon: m"}},
		"stalled":     {status.Stalled("Never", "m"), map[string]string{"Ready": "False Never: m", "Stalled": "True Never: m"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, before := range []status.Summary{status.Ready("A", ""), status.Reconciling("A", ""), status.Stalled("A", "")} {
				var conditions []metav1.Condition
				before.Apply(&conditions, 6)
				tc.summary.Apply(&conditions, 7)
				if diff := cmp.Diff(tc.want, conditionsOf(conditions)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				for _, c := range conditions {
					if c.ObservedGeneration != 7 {
						t.Errorf("condition %s is of generation %d, want 7", c.Type, c.ObservedGeneration)
					}
				}
			}
		})
	}
}

// harness is a Location that is stored, and a writer of its status.
type harness struct {
	writer   status.Writer
	stored   client.Client
	location *inventoryv1alpha1.Location
	events   *events.FakeRecorder
	updates  int
	fail     error // of the next update
}

func newHarness(t *testing.T, conditions ...metav1.Condition) *harness {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := inventoryv1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	d := &harness{events: events.NewFakeRecorder(10)}
	d.location = &inventoryv1alpha1.Location{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "wd", Generation: 3}}
	d.location.Status.Conditions = conditions
	built := fake.NewClientBuilder().WithScheme(scheme).WithObjects(d.location).WithStatusSubresource(d.location).Build()
	d.stored = interceptor.NewClient(built, interceptor.Funcs{
		SubResourceUpdate: func(ctx context.Context, c client.Client, sub string, obj client.Object, opts ...client.SubResourceUpdateOption) error {
			if n := len(d.events.Events); n > 0 {
				t.Errorf("%d events are told before the status is stored", n)
			}
			d.updates++
			if d.fail != nil {
				return d.fail
			}
			return c.SubResource(sub).Update(ctx, obj, opts...)
		},
		SubResourcePatch: func(context.Context, client.Client, string, client.Object, client.Patch, ...client.SubResourcePatchOption) error {
			t.Error("the status is patched, want an update")
			return nil
		},
	})
	d.writer = status.Writer{Client: d.stored, Recorder: d.events}
	if err := d.stored.Get(t.Context(), client.ObjectKeyFromObject(d.location), d.location); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *harness) begin() *status.Draft {
	return status.Begin(d.location, &d.location.Status.Conditions, &d.location.Status.ObservedGeneration)
}

// told returns the events since the last call.
func (d *harness) told() string {
	var out []string
	for len(d.events.Events) > 0 {
		out = append(out, <-d.events.Events)
	}
	return strings.Join(out, "; ")
}

func TestWrite(t *testing.T) {
	t.Parallel()
	locations := schema.GroupResource{Group: "inventory.tallyman.dev", Resource: "locations"}
	lost := errors.New("no API server")
	for name, tc := range map[string]struct {
		unchanged bool
		fail      error
		want      time.Duration // until the next look
		err       error
		told      string
		updates   int
	}{
		"stored":          {want: time.Hour, told: "Normal Moved n; Warning Lost m", updates: 1},
		"conflict":        {fail: apierrors.NewConflict(locations, "wd", errors.New("old")), want: 100 * time.Millisecond, updates: 1},
		"gone":            {fail: apierrors.NewNotFound(locations, "wd"), updates: 1},
		"not stored":      {fail: lost, err: lost, updates: 1},
		"nothing changed": {unchanged: true, want: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newHarness(t)
			draft := d.begin()
			draft.AnnounceReady("Look")
			if !tc.unchanged {
				draft.Summarize(status.Stalled("Lost", "m"))
				draft.Tell(status.Event{Type: "Normal", Reason: "Moved", Action: "Look", Message: "n"})
			}
			d.fail = tc.fail
			got, err := d.writer.Write(t.Context(), draft, time.Hour)
			if !errors.Is(err, tc.err) || (err != nil) != (tc.err != nil) {
				t.Errorf("error %v, want %v", err, tc.err)
			}
			if got.RequeueAfter != tc.want {
				t.Errorf("looked at again after %s, want %s", got.RequeueAfter, tc.want)
			}
			if told := d.told(); told != tc.told {
				t.Errorf("told %q, want %q", told, tc.told)
			}
			if d.updates != tc.updates {
				t.Errorf("%d updates, want %d", d.updates, tc.updates)
			}
		})
	}
}

func TestAnnouncements(t *testing.T) {
	t.Parallel()
	condition := func(s metav1.ConditionStatus, reason string) *metav1.Condition {
		return &metav1.Condition{Type: inventoryv1alpha1.FreshCondition, Status: s, Reason: reason, Message: "m", LastTransitionTime: metav1.Unix(1, 0)}
	}
	for name, tc := range map[string]struct {
		was, is *metav1.Condition
		want    string
	}{
		"True at first":         {nil, condition("True", "A"), ""},
		"False at first":        {nil, condition("False", "A"), "Warning A m"},
		"Unknown at first":      {nil, condition("Unknown", "A"), ""},
		"turns False":           {condition("True", "A"), condition("False", "B"), "Warning B m"},
		"False after Unknown":   {condition("Unknown", "A"), condition("False", "B"), "Warning B m"},
		"another reason":        {condition("False", "A"), condition("False", "B"), "Warning B m"},
		"stays False":           {condition("False", "A"), condition("False", "A"), ""},
		"True again":            {condition("False", "A"), condition("True", "B"), "Normal B m"},
		"True after Unknown":    {condition("Unknown", "A"), condition("True", "B"), ""},
		"True, another reason":  {condition("True", "A"), condition("True", "B"), ""},
		"Unknown after False":   {condition("False", "A"), condition("Unknown", "B"), ""},
		"it is not set, either": {condition("False", "A"), nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var before []metav1.Condition
			if tc.was != nil {
				before = append(before, *tc.was)
			}
			d := newHarness(t, before...)
			draft := d.begin()
			draft.Announce(status.Announcement{Condition: inventoryv1alpha1.FreshCondition, Action: "Look"})
			if tc.is != nil {
				draft.Set(*tc.is)
			}
			d.location.Status.SKUCount = new(int32(1)) // something is stored in any case
			if _, err := d.writer.Write(t.Context(), draft, 0); err != nil {
				t.Fatal(err)
			}
			if got := d.told(); got != tc.want {
				t.Errorf("told %q, want %q", got, tc.want)
			}
		})
	}
}

// TestRecoveredIsAnnouncedByName has Ready fail, and be ready again.
func TestRecoveredIsAnnouncedByName(t *testing.T) {
	t.Parallel()
	d := newHarness(t)
	for _, tc := range []struct {
		summary status.Summary
		want    string
	}{
		{status.Stalled("Lost", "m"), "Warning Lost m"},
		{status.Stalled("Lost", "other words"), ""},
		{status.Ready("Fine", "m"), "Normal Recovered m"},
		{status.Ready("Better", "m"), ""},
	} {
		draft := d.begin()
		draft.Summarize(tc.summary)
		draft.AnnounceReady("Look")
		if _, err := d.writer.Write(t.Context(), draft, 0); err != nil {
			t.Fatal(err)
		}
		if got := d.told(); got != tc.want {
			t.Errorf("told %q, want %q", got, tc.want)
		}
		if got := d.location.Status.ObservedGeneration; got == nil || *got != 3 {
			t.Errorf("observedGeneration = %v, want 3", got)
		}
	}
}
