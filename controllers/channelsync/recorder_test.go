package channelsync

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/syncstate"
)

// recording is a recorder in simulated time, and what it writes.
type recording struct {
	*testing.T
	*recorder
	client client.Client
	writes atomic.Int32
}

// withRecorder runs a test of a recorder with a window of ten seconds.
func withRecorder(t *testing.T, test func(r *recording)) {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := inventoryv1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		r := &recording{T: t}
		r.client = interceptor.NewClient(fake.NewClientBuilder().WithScheme(scheme).Build(), interceptor.Funcs{
			Create: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
				r.writes.Add(1)
				return c.Create(ctx, obj, opts...)
			},
			Update: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.UpdateOption) error {
				r.writes.Add(1)
				return c.Update(ctx, obj, opts...)
			},
		})
		r.recorder = newRecorder(Options{Client: r.client, Clock: clock.RealClock{}, Limits: Limits{RecordWindow: 10 * time.Second}})
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { r.run(ctx) })
		test(r)
		cancel()
		running.Wait()
	})
}

// tell is a run of one item, which lasts for a while.
func (r *recording) tell(sku string, quantity int64, lasts time.Duration, outcome result) {
	ch := &inventoryv1alpha1.Channel{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "shop", UID: "shop"}}
	it := &item{
		Taken: syncstate.Taken{Unit: syncstate.Unit{Location: "wd", SKU: sku}}, push: channel.Item{SKU: sku, Quantity: quantity},
	}
	rec := r.begin(ch, inventoryv1alpha1.LocationWise, []*item{it})
	r.after(lasts)
	it.result = outcome
	if outcome == failed {
		it.err = channel.NewError(channel.Rejected, "Unknown", "no such article")
	}
	r.end(rec, []*item{it}, nil)
}

func (r *recording) after(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// want checks which records there are, by the reason of their condition Ready, and how many writes that took.
func (r *recording) want(when string, writes int, reasons ...string) {
	r.Helper()
	list := &inventoryv1alpha1.ChannelSyncJobList{}
	if err := r.client.List(r.Context(), list); err != nil {
		r.Fatal(err)
	}
	got := map[string]int{}
	for _, job := range list.Items {
		got[job.Status.Conditions[0].Reason]++
	}
	for _, reason := range reasons {
		got[reason]--
	}
	for reason, n := range got {
		if n != 0 {
			r.Errorf("%s: %+d records %s", when, n, reason)
		}
	}
	if got := int(r.writes.Load()); got != writes {
		r.Errorf("%s: %d writes, want %d", when, got, writes)
	}
}

// TestShortRunsAreOneRecord makes runs within a window, which are written once, when it is over.
func TestShortRunsAreOneRecord(t *testing.T) {
	t.Parallel()
	withRecorder(t, func(r *recording) {
		for n := range int64(4) {
			r.tell("a", n, 100*time.Millisecond, confirmed)
			r.after(2 * time.Second)
		}
		r.want("within the window", 0)
		r.after(3 * time.Second)
		r.want("after it", 1, inventoryv1alpha1.JobSucceeded)
		job := r.only()
		if n := *job.Status.RunCount; n != 4 {
			r.Errorf("the record tells of %d runs, want 4", n)
		}
		if items := job.Spec.Items; len(items) != 1 || items[0].Quantity != 3 {
			r.Errorf("items %+v, want what the channel was told last", items)
		}
	})
}

func (r *recording) only() inventoryv1alpha1.ChannelSyncJob {
	r.Helper()
	list := &inventoryv1alpha1.ChannelSyncJobList{}
	if err := r.client.List(r.Context(), list); err != nil || len(list.Items) != 1 {
		r.Fatalf("%d records, %v; want one", len(list.Items), err)
	}
	return list.Items[0]
}

// TestLongRunsAreSeen makes a run that lasts, which has its record meanwhile.
func TestLongRunsAreSeen(t *testing.T) {
	t.Parallel()
	withRecorder(t, func(r *recording) {
		done := make(chan struct{})
		go func() {
			r.tell("a", 1, 5*time.Second, confirmed)
			close(done)
		}()
		r.after(time.Second)
		r.want("after a second", 0)
		r.after(2 * time.Second)
		r.want("after three", 1, inventoryv1alpha1.JobRunning)
		if job := r.only(); !r.underWay(client.ObjectKeyFromObject(&job)) || job.Finished() {
			r.Error("the run is not under way")
		}
		<-done
		r.after(time.Second)
		r.want("at its end", 2, inventoryv1alpha1.JobSucceeded)
		if job := r.only(); r.underWay(client.ObjectKeyFromObject(&job)) || !job.Finished() {
			r.Error("the run is under way for ever")
		}
	})
}

// TestFailuresAreSeenAtOnce has a channel refuse something again and again.
func TestFailuresAreSeenAtOnce(t *testing.T) {
	t.Parallel()
	withRecorder(t, func(r *recording) {
		r.tell("a", 1, 0, failed)
		r.after(time.Millisecond)
		r.want("at once", 1, inventoryv1alpha1.JobFailed)
		for range 8 {
			r.tell("a", 1, 0, failed)
			r.after(time.Second)
		}
		r.want("within the window", 1, inventoryv1alpha1.JobFailed)
		r.after(3 * time.Second)
		r.want("after it", 2, inventoryv1alpha1.JobFailed, inventoryv1alpha1.JobFailed)
	})
}

// TestRecordsAreWrittenAtTheEnd stops the process within a window.
func TestRecordsAreWrittenAtTheEnd(t *testing.T) {
	t.Parallel()
	var left *recording
	withRecorder(t, func(r *recording) {
		r.tell("a", 1, 0, confirmed)
		r.want("before the end", 0)
		left = r
	})
	if got := left.writes.Load(); got != 1 {
		t.Errorf("%d writes, want the open record's", got)
	}
}
