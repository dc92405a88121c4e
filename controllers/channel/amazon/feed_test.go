package amazon_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/amazon/amazontest"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

func TestThreshold(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		skus        int
		wantPatches int
		wantFeeds   int
	}{
		"below": {2, 2, 0},
		"at it": {3, 0, 1},
		"above": {4, 0, 1},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, byFeeds(3))
			skus := []string{"A", "B", "C", "D"}[:tc.skus]
			s.know(skus...)
			if got := s.push(t, items(skus...)...); len(got) > 0 {
				t.Fatalf("failures %v", got)
			}
			if patches, feeds := s.count("patchListingsItem"), len(s.Feeds()); patches != tc.wantPatches || feeds != tc.wantFeeds {
				t.Errorf("%d patches and %d feeds, want %d and %d", patches, feeds, tc.wantPatches, tc.wantFeeds)
			}
			for _, sku := range skus {
				if l, _ := s.Listing(sku); l.Quantities["WD-1"] != 5 {
					t.Errorf("%s has %v", sku, l.Quantities)
				}
			}
		})
	}
}

func TestFeedOnTheWire(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		confirm inventoryv1alpha1.AmazonConfirmation
		want    string // header of the document
	}{
		"accepted": {"", `{"sellerId":"A1SELLER","version":"2.0"}`},
		"applied":  {inventoryv1alpha1.ConfirmApplied, `{"sellerId":"A1SELLER","version":"2.0","report":{"includedData":["issues","fulfillmentAvailability"],"apiVersion":"2021-08-01"}}`},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, func(a *inventoryv1alpha1.AmazonChannel) {
				byFeeds(1)(a)
				a.Confirm = tc.confirm
			})
			s.know("A&B", "C")
			if got := s.push(t, contract.At("L1", "A&B", 1), contract.At("L1", "C", 0), contract.At("L2", "A&B", 3)); len(got) > 0 {
				t.Fatalf("failures %v", got)
			}
			want := `{"header":` + tc.want + `,"messages":[` +
				`{"messageId":1,"sku":"A&B","operationType":"PATCH","productType":"PRODUCT","patches":[{"op":"merge","path":"/attributes/fulfillment_availability","value":[{"fulfillment_channel_code":"L1","quantity":1},{"fulfillment_channel_code":"L2","quantity":3}]}]},` +
				`{"messageId":2,"sku":"C","operationType":"PATCH","productType":"PRODUCT","patches":[{"op":"merge","path":"/attributes/fulfillment_availability","value":[{"fulfillment_channel_code":"L1","quantity":0}]}]}]}` + "\n"
			if diff := cmp.Diff(want, string(s.Feeds()[0].Document)); diff != "" {
				t.Errorf("document (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(`{"feedType":"JSON_LISTINGS_FEED","marketplaceIds":["A1PA6795UKMFR9"],"inputFeedDocumentId":"document-000001"}`, string(s.last(t, "createFeed").Body)); diff != "" {
				t.Errorf("createFeed (-want +got):\n%s", diff)
			}
			wantOperations := []string{"searchListingsItems", "createFeedDocument", "createFeed", "getFeed", "getFeedDocument"}
			if diff := cmp.Diff(wantOperations, s.operations()); diff != "" {
				t.Errorf("operations (-want +got):\n%s", diff)
			}
		})
	}
}

// TestFeedAnswers checks that a feed is followed, and its report read, compressed or not.
func TestFeedAnswers(t *testing.T) {
	t.Parallel()
	for _, zip := range []bool{false, true} {
		t.Run(fmt.Sprint("compressed ", zip), func(t *testing.T) {
			t.Parallel()
			s := open(t, byFeeds(1))
			s.ZipReports(zip)
			s.WorkOnFeeds(7)
			s.know("A", "B", "C")
			s.Refuse("B")
			b := batch(items("A", "B", "C", "NEW")...)
			result, err := s.Push(t.Context(), b)
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]string{"B": "Rejected InvalidListing", "NEW": "Unmapped UnknownSKU"}
			if diff := cmp.Diff(want, contract.ReasonsBySKU(b, result.Failures)); diff != "" {
				t.Errorf("failures (-want +got):\n%s", diff)
			}
			if got, want := result.Failures[1].Message, "90000900: The attributes are invalid. (fulfillment_availability)"; got != want {
				t.Errorf("message %q, want %q", got, want)
			}
			if got := s.count("getFeed"); got != 8 {
				t.Errorf("%d looks at the feed, want 8", got)
			}
		})
	}
}

// TestFeedApplied wants the listings of the report to show what they were told.
func TestFeedApplied(t *testing.T) {
	t.Parallel()
	s := open(t, func(a *inventoryv1alpha1.AmazonChannel) {
		byFeeds(1)(a)
		a.Confirm = inventoryv1alpha1.ConfirmApplied
	})
	s.know("A", "B")
	s.Refuse("B")
	s.Freeze(true)
	want := map[string]string{"A": "Unconfirmed NotApplied", "B": "Rejected InvalidListing"}
	if diff := cmp.Diff(want, s.push(t, items("A", "B")...)); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
}

// TestFeedFails checks that a feed that ended badly is repeated as a new one.
func TestFeedFails(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"FATAL", "CANCELLED"} {
		t.Run(end, func(t *testing.T) {
			t.Parallel()
			s := open(t, byFeeds(1))
			s.know("A")
			s.EndFeeds(end)
			_, err := s.Push(t.Context(), batch(item("A", 1)))
			if message := wantError(t, err, channel.Retry, "FeedFailed"); message != "feed 000001 ended as "+end {
				t.Errorf("message %q", message)
			}
			s.EndFeeds("DONE")
			if got := s.push(t, item("A", 1)); len(got) > 0 {
				t.Errorf("failures %v", got)
			}
			if got := len(s.Feeds()); got != 2 {
				t.Errorf("%d feeds, want a second", got)
			}
		})
	}
}

// TestForgottenFeed has Amazon no longer know a feed that is followed.
func TestForgottenFeed(t *testing.T) {
	t.Parallel()
	var forgotten atomic.Bool
	s := openBehind(t, func(server *amazontest.Server, w http.ResponseWriter, r *http.Request) {
		if forgotten.Load() && strings.HasSuffix(r.URL.Path, "/feeds/000001") {
			refusal(http.StatusNotFound, "NotFound", "").ServeHTTP(w, r)
			return
		}
		server.ServeHTTP(w, r)
	}, byFeeds(1))
	s.know("A")
	forgotten.Store(true)
	_, err := s.Push(t.Context(), batch(item("A", 1)))
	wantError(t, err, channel.Retry, "Status404")
	if got := s.push(t, item("A", 1)); len(got) > 0 || len(s.Feeds()) != 2 {
		t.Errorf("failures %v, %d feeds", got, len(s.Feeds()))
	}
}

// TestReportIsReadAgain fails the download of the report: the feed is not submitted a second time.
func TestReportIsReadAgain(t *testing.T) {
	t.Parallel()
	var broken atomic.Bool
	broken.Store(true)
	s := openBehind(t, func(server *amazontest.Server, w http.ResponseWriter, r *http.Request) {
		if broken.Load() && r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, "/storage/") {
			http.Error(w, "<Error><Code>AccessDenied</Code>"+r.URL.RawQuery+"</Error>", http.StatusForbidden)
			return
		}
		server.ServeHTTP(w, r)
	}, byFeeds(1))
	s.know("A")
	_, err := s.Push(t.Context(), batch(item("A", 1)))
	if message := wantError(t, err, channel.Retry, "DocumentFailed"); message != "GET of a feed document: 403 Forbidden" {
		t.Errorf("message %q, want it without what the storage says", message)
	}
	broken.Store(false)
	if got := s.push(t, item("A", 1)); len(got) > 0 || len(s.Feeds()) != 1 {
		t.Errorf("failures %v, %d feeds", got, len(s.Feeds()))
	}
}

// TestRefusedFeeds has Amazon refuse single calls of a feed: that blames no SKU, so no search for one begins.
func TestRefusedFeeds(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/feeds/2021-06-30/documents", "/feeds/2021-06-30/feeds", "/feeds/2021-06-30/feeds/000001", "/feeds/2021-06-30/documents/document-000002", "/storage/document-000001"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			s := openBehind(t, func(server *amazontest.Server, w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == path {
					refusal(http.StatusBadRequest, "InvalidInput", "").ServeHTTP(w, r)
					return
				}
				server.ServeHTTP(w, r)
			}, byFeeds(1))
			s.know("A")
			_, err := s.Push(t.Context(), batch(item("A", 1)))
			if e := channel.AsError(err); err == nil || e.Class != channel.Retry {
				t.Errorf("error %v of class %s, want %s", err, e.Class, channel.Retry)
			}
		})
	}
}

// TestForeignDocuments has Amazon name storage that the Channel does not allow: nothing is sent there.
func TestForeignDocuments(t *testing.T) {
	t.Parallel()
	var strayed atomic.Int64
	elsewhere := fakeserver.Start(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { strayed.Add(1) }))
	cases := map[string]func(*amazontest.Server){
		"named":      func(s *amazontest.Server) { s.KeepDocumentsAt(elsewhere) },
		"on the way": nil,
	}
	for name, keep := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openBehind(t, func(server *amazontest.Server, w http.ResponseWriter, r *http.Request) {
				if keep == nil && strings.HasPrefix(r.URL.Path, "/storage/") {
					http.Redirect(w, r, elsewhere+r.URL.Path, http.StatusTemporaryRedirect)
					return
				}
				server.ServeHTTP(w, r)
			}, byFeeds(1))
			s.know("A")
			if keep != nil {
				keep(s.Server)
			}
			_, err := s.Push(t.Context(), batch(item("A", 1)))
			if keep != nil {
				wantError(t, err, channel.Terminal, "ForeignDocument")
			} else {
				wantError(t, err, channel.Retry, "Redirected")
			}
			if len(s.Feeds()) > 0 || strayed.Load() > 0 {
				t.Errorf("%d feeds, %d requests to another address", len(s.Feeds()), strayed.Load())
			}
		})
	}
}
