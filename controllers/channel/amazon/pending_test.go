package amazon_test

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"

	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/amazon"
	"tallyman.dev/tallyman/controllers/channel/amazon/amazontest"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

// stillClock lets no wait end, and calls a function at each.
type stillClock struct {
	*hastyClock
	onWait atomic.Pointer[func()]
}

func (c *stillClock) NewTimer(time.Duration) clock.Timer {
	if f := c.onWait.Load(); f != nil {
		(*f)()
	}
	return clocktesting.NewFakeClock(c.Now()).NewTimer(time.Hour)
}

// deadline is a context whose time runs out when done is closed.
type deadline struct{ done chan struct{} }

func (d deadline) Deadline() (time.Time, bool) { return time.Time{}, false }
func (d deadline) Value(any) any               { return nil }
func (d deadline) Done() <-chan struct{}       { return d.done }

func (d deadline) Err() error {
	select {
	case <-d.done:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// still makes a connector whose clock stands still, to the Amazon of a shop.
func (s *shop) still(t *testing.T) *shop {
	t.Helper()
	out := *s
	out.cfg.Clock = &stillClock{hastyClock: s.clock}
	out.Reader = contract.BuildReader(t, amazon.New, out.cfg)
	return &out
}

// pushUntilItWaits pushes with a context whose time runs out at the first wait.
func (s *shop) pushUntilItWaits(t *testing.T, b channel.Batch) error {
	t.Helper()
	ctx := deadline{make(chan struct{})}
	expire := sync.OnceFunc(func() { close(ctx.done) })
	s.cfg.Clock.(*stillClock).onWait.Store(&expire)
	_, err := s.Push(ctx, b)
	return err
}

// TestFeedPending checks that a feed that takes longer than a Push is followed on by the next, and that
// nothing else overtakes it.
func TestFeedPending(t *testing.T) {
	t.Parallel()
	s := open(t, byFeeds(2)).still(t)
	s.know("A", "B")
	s.WorkOnFeeds(1_000_000)
	large, small := batch(items("A", "B")...), batch(item("A", 9))
	small.IdempotencyKey = "job-1"
	for range 2 {
		message := wantError(t, s.pushUntilItWaits(t, large), channel.Retry, "FeedPending")
		if message != "feed 000001 is still IN_PROGRESS; it is followed on" {
			t.Errorf("message %q", message)
		}
	}
	if got := len(s.Feeds()); got != 1 {
		t.Fatalf("%d feeds, want the one to be taken up again", got)
	}
	// A patch would be applied at once, and then the feed: what is small waits.
	wantError(t, s.pushUntilItWaits(t, small), channel.Retry, "FeedPending")
	if len(s.Feeds()) != 1 || s.count("patchListingsItem") > 0 {
		t.Fatalf("%d feeds, operations %v", len(s.Feeds()), s.operations())
	}
	s.FinishFeeds()
	if result, err := s.Push(t.Context(), small); err != nil || len(result.Failures) > 0 {
		t.Fatalf("Push = %+v, %v", result, err)
	}
	if l, _ := s.Listing("A"); len(s.Feeds()) != 1 || s.count("patchListingsItem") != 1 || l.Quantities["WD-1"] != 9 {
		t.Errorf("%d feeds, %d patches, A has %v", len(s.Feeds()), s.count("patchListingsItem"), l.Quantities)
	}
	// The large batch again is a new push: its feed is over.
	s.WorkOnFeeds(0)
	if _, err := s.Push(t.Context(), large); err != nil || len(s.Feeds()) != 2 {
		t.Errorf("%v, %d feeds, want a second", err, len(s.Feeds()))
	}
}

// TestFeedOfOtherListings repeats a batch of which another SKU has become known: the messages of the feed
// that was submitted have other numbers.
func TestFeedOfOtherListings(t *testing.T) {
	t.Parallel()
	s := open(t, byFeeds(1)).still(t)
	s.know("B")
	s.WorkOnFeeds(1_000_000)
	b := batch(items("A", "B")...)
	wantError(t, s.pushUntilItWaits(t, b), channel.Retry, "FeedPending")
	s.know("A")
	s.Refuse("A")
	s.clock.NewTimer(time.Minute) // what is not known is not remembered for long
	s.FinishFeeds()
	s.WorkOnFeeds(0)
	result, err := s.Push(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"A": "Rejected InvalidListing"}, contract.ReasonsBySKU(b, result.Failures)); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
}

// TestFeedOfAFormerRun has another process, which has ended since, leave a feed.
func TestFeedOfAFormerRun(t *testing.T) {
	t.Parallel()
	s := open(t, byFeeds(2)).still(t)
	s.know("A", "B")
	s.WorkOnFeeds(1_000_000)
	wantError(t, s.pushUntilItWaits(t, batch(items("A", "B")...)), channel.Retry, "FeedPending")
	s.Reader = contract.BuildReader(t, amazon.New, s.cfg) // a new process
	small := batch(item("A", 9))
	wantError(t, s.pushUntilItWaits(t, small), channel.Retry, "FeedPending")
	if got := len(s.Feeds()); got != 2 || s.count("patchListingsItem") > 0 {
		t.Fatalf("%d feeds, operations %v", got, s.operations())
	}
	s.FinishFeeds()
	s.Reader = contract.BuildReader(t, amazon.New, s.cfg) // and another, which finds a feed at work that ends at the next look
	if result, err := s.Push(t.Context(), small); err != nil || len(result.Failures) > 0 {
		t.Fatalf("Push = %+v, %v", result, err)
	}
	if got := s.count("patchListingsItem"); got != 1 {
		t.Errorf("%d patches, want one after all feeds have ended", got)
	}
}

// TestFeedWithoutAnswer loses the answer that would have told the ID of a feed.
func TestFeedWithoutAnswer(t *testing.T) {
	t.Parallel()
	s := openBehind(t, (*amazontest.Server).ServeHTTP, byFeeds(2)).still(t)
	s.know("A", "B")
	s.push(t, item("A", 1)) // Amazon is asked for feeds: there is none yet
	s.WorkOnFeeds(1_000_000)
	s.LoseAnswers(true)
	_, err := s.Push(t.Context(), batch(items("A", "B")...))
	wantError(t, err, channel.Retry, "ConnectionFailed")
	s.LoseAnswers(false)
	small := batch(item("A", 9))
	small.IdempotencyKey = "job-1"
	wantError(t, s.pushUntilItWaits(t, small), channel.Retry, "FeedPending")
	if got := len(s.Feeds()); got != 2 || s.count("patchListingsItem") != 1 {
		t.Errorf("%d feeds, %d patches, want what is small to go by feed", got, s.count("patchListingsItem"))
	}
}

// TestForgottenFeedOfAFormerRun has Amazon list a feed, and then not know it: it hinders nothing.
func TestForgottenFeedOfAFormerRun(t *testing.T) {
	t.Parallel()
	s := openBehind(t, func(server *amazontest.Server, w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/feeds/2021-06-30/feeds":
			fakeserver.Text(`{"feeds":[{"feedId":"7","processingStatus":"IN_QUEUE"}]}`).ServeHTTP(w, r)
		case "/feeds/2021-06-30/feeds/7":
			refusal(http.StatusNotFound, "NotFound", "").ServeHTTP(w, r)
		default:
			server.ServeHTTP(w, r)
		}
	}, byFeeds(2))
	s.know("A")
	if got := s.push(t, item("A", 1)); len(got) > 0 || s.count("patchListingsItem") != 1 {
		t.Errorf("failures %v, operations %v", got, s.operations())
	}
}
