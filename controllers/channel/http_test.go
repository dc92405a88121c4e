package channel

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

// newClient makes a client, of a Channel that the test may change first.
func newClient(t testing.TB, change func(*Config)) *HTTPClient {
	t.Helper()
	cfg := Config{Channel: &inventoryv1alpha1.Channel{}, Clock: clock.RealClock{}}
	if change != nil {
		change(&cfg)
	}
	c, err := NewHTTPClient(cfg)
	if err != nil {
		t.Fatalf("NewHTTPClient: %v", err)
	}
	t.Cleanup(c.client.CloseIdleConnections)
	return c
}

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server
}

// wantError checks class and reason of an error.
func wantError(t *testing.T, err error, class Class, reason string) {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Class != class || string(e.Reason) != reason {
		t.Fatalf("error %#v, want %s, %s", err, class, reason)
	}
}

// wantSecret checks that the message of an error does not show something.
func wantSecret(t *testing.T, err error, secret string) {
	t.Helper()
	if e := AsError(err); strings.Contains(e.Message, secret) {
		t.Errorf("the message shows a secret: %s", e.Message)
	}
}

func TestDo(t *testing.T) {
	t.Parallel()
	got := make(chan http.Header, 1)
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- r.Header.Clone()
		w.Header().Set("X-Answer", "yes")
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write(append([]byte("\ufeff"), body...))
	})
	answer, err := newClient(t, nil).Do(t.Context(), Request{
		Method: http.MethodPut, URL: server.URL, Header: http.Header{"X-Key": {"k"}}, Body: map[string]int{"a": 1},
	})
	if err != nil {
		t.Fatalf("Do: %v", err)
	}
	if answer.Status != http.StatusAccepted || answer.Header.Get("X-Answer") != "yes" || string(answer.Body) != `{"a":1}` {
		t.Errorf("answer %d, %v, %q", answer.Status, answer.Header, answer.Body)
	}
	want := http.Header{
		"X-Key": {"k"}, "Content-Type": {"application/json"}, "Content-Length": {"7"},
		"Accept": {"application/json"}, "Accept-Encoding": {"gzip"}, "User-Agent": {"tallyman"},
	}
	if diff := cmp.Diff(want, <-got); diff != "" {
		t.Errorf("headers of the request (-want +got):\n%s", diff)
	}
}

func TestDoFails(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		serve       http.HandlerFunc
		wantClass   Class
		wantReason  string
		wantMessage string
		wantPause   time.Duration
		wantAnswer  bool
	}{
		"status with words": {
			serve:     func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no\nsuch SKU", http.StatusBadRequest) },
			wantClass: Rejected, wantReason: "Status400", wantMessage: "400 Bad Request: no such SKU", wantAnswer: true,
		},
		"status without words": {
			serve:     func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(599) },
			wantClass: Retry, wantReason: "Status599", wantMessage: "599", wantAnswer: true,
		},
		"unavailable for a while": {
			serve: func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", "7")
				w.WriteHeader(http.StatusServiceUnavailable)
			},
			wantClass: Retry, wantReason: "Status503", wantMessage: "503 Service Unavailable", wantPause: 7 * time.Second, wantAnswer: true,
		},
		"secret in a long answer": {
			serve: func(w http.ResponseWriter, _ *http.Request) {
				http.Error(w, strings.Repeat("s3cret", 1000)+"end", http.StatusForbidden)
			},
			wantClass: Unauthorized, wantReason: "Unauthorized", wantAnswer: true,
			wantMessage: Clean("403 Forbidden: " + strings.Repeat("***", 1000)),
		},
		"connection cut": {
			serve:     fakeserver.Reset,
			wantClass: Retry, wantReason: "ConnectionFailed", wantMessage: "EOF",
		},
		"answer cut": {
			serve: func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "100")
				_, _ = w.Write([]byte("{}"))
			},
			wantClass: Retry, wantReason: "ConnectionFailed", wantMessage: "unexpected EOF",
		},
		"answer too long": {
			serve:     func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, maxResponse+1)) },
			wantClass: Retry, wantReason: "ResponseTooLarge", wantMessage: "the answer is longer than 4194304 bytes",
		},
		"answer too long when unpacked": {
			serve: func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Encoding", "gzip")
				z := gzip.NewWriter(w)
				_, _ = z.Write(make([]byte, maxResponse+1))
				_ = z.Close()
			},
			wantClass: Retry, wantReason: "ResponseTooLarge", wantMessage: "the answer is longer than 4194304 bytes",
		},
		"success that Validate objects to": {
			serve:     func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("oops s3cret")) },
			wantClass: Retry, wantReason: "Failed", wantMessage: "invalid: oops ***", wantAnswer: true,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, func(c *Config) { c.Credentials = map[string][]byte{"key": []byte("s3cret")} })
			client.Validate = func(r *Response) error { return errors.New("invalid: " + string(r.Body)) }
			answer, err := client.Do(t.Context(), Request{Method: http.MethodPut, URL: serve(t, tc.serve).URL, Body: 1})
			wantError(t, err, tc.wantClass, tc.wantReason)
			e := AsError(err)
			if e.Message != tc.wantMessage || e.RetryAfter != tc.wantPause || (answer != nil) != tc.wantAnswer {
				t.Errorf("message %q, pause %v, answer %v; want %q, %v, %v", e.Message, e.RetryAfter, answer != nil, tc.wantMessage, tc.wantPause, tc.wantAnswer)
			}
		})
	}
}

func TestHeadersOfAnswersAreBounded(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Huge", strings.Repeat("x", maxResponseHeader+1))
	})
	_, err := newClient(t, nil).Do(t.Context(), Request{Method: http.MethodGet, URL: server.URL})
	if err == nil {
		t.Fatal("Do took headers without a bound")
	}
	wantError(t, err, Retry, "Failed")
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	address := strings.Replace(server.URL, "http://", "http://user:passw0rd@", 1)
	_, err := newClient(t, nil).Do(t.Context(), Request{Method: http.MethodGet, URL: address})
	wantError(t, err, Retry, "ConnectionFailed")
	wantSecret(t, err, "passw0rd")
	_, err = newClient(t, nil).Do(t.Context(), Request{Method: http.MethodGet, URL: "http://user:passw0rd@bad host/"})
	wantError(t, err, Terminal, "InvalidURL")
	wantSecret(t, err, "passw0rd")
}

func TestTimeoutOfTheChannel(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		fakeserver.Hang(w, r)
		close(gone)
	})
	client := newClient(t, func(c *Config) {
		c.Channel.Spec.Timeout = &metav1.Duration{Duration: 20 * time.Millisecond}
	})
	_, err := client.Do(context.Background(), Request{Method: http.MethodGet, URL: server.URL})
	wantError(t, err, Retry, "Timeout")
	<-gone
}

func TestDecode(t *testing.T) {
	t.Parallel()
	client := newClient(t, func(c *Config) { c.Credentials = map[string][]byte{"key": []byte("123456789")} })
	var into struct{ A int8 }
	if err := client.Decode(&Response{Body: []byte(`{"a":1,"unknown":[2]}`)}, &into); err != nil || into.A != 1 {
		t.Errorf("Decode = %v, %+v", err, into)
	}
	err := client.Decode(&Response{Body: []byte(`{"a":123456789}`)}, &into)
	wantError(t, err, Retry, "InvalidAnswer")
	wantSecret(t, err, "123456789")
}

// TestConnectionIsReused also checks that a PUT outlives an idle connection that the channel has
// closed: with the first answer it is kept, with the second call it turns out to be dead.
func TestConnectionIsReused(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	ports := make(chan string, 3)
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		ports <- r.RemoteAddr
		if calls.Add(1) == 2 {
			fakeserver.Reset(w, r)
		}
	})
	client := newClient(t, nil)
	for range 2 {
		if _, err := client.Do(t.Context(), Request{Method: http.MethodPut, URL: server.URL, Body: 1}); err != nil {
			t.Fatalf("Do: %v", err)
		}
	}
	first, second, third := <-ports, <-ports, <-ports
	if first != second || second == third {
		t.Errorf("connections %s, %s, %s, want the second call on the first's, and its repetition on another", first, second, third)
	}
}
