package channel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestAsError(t *testing.T) {
	t.Parallel()
	typed := &Error{Class: Terminal, Reason: "Typed", Message: "as it is"}
	cases := map[string]struct {
		err  error
		want *Error
	}{
		"nil":               {nil, nil},
		"typed":             {typed, typed},
		"typed, wrapped":    {fmt.Errorf("push: %w", typed), typed},
		"cancelled":         {fmt.Errorf("push: %w", context.Canceled), &Error{Class: Retry, Reason: "Cancelled", Message: "push: context canceled"}},
		"deadline":          {context.DeadlineExceeded, &Error{Class: Retry, Reason: "Timeout", Message: "context deadline exceeded"}},
		"socket deadline":   {&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, &Error{Class: Retry, Reason: "Timeout", Message: "read: i/o timeout"}},
		"no connection":     {&net.OpError{Op: "dial", Err: errors.New("refused")}, &Error{Class: Retry, Reason: "ConnectionFailed", Message: "dial: refused"}},
		"connection closed": {io.EOF, &Error{Class: Retry, Reason: "ConnectionFailed", Message: "EOF"}},
		"answer cut":        {io.ErrUnexpectedEOF, &Error{Class: Retry, Reason: "ConnectionFailed", Message: "unexpected EOF"}},
		"anything":          {errors.New("odd\nthing"), &Error{Class: Retry, Reason: "Failed", Message: "odd thing"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := AsError(tc.err)
			if diff := cmp.Diff(tc.want, got, cmpopts.IgnoreFields(Error{}, "Err")); diff != "" {
				t.Errorf("AsError (-want +got):\n%s", diff)
			}
			if got != nil && got != typed && !errors.Is(got, tc.err) {
				t.Errorf("the cause %v is lost", tc.err)
			}
		})
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ text, want string }{
		"plain":                  {"out of stock", "out of stock"},
		"lines and tabs":         {"\n a\r\nb\tc \n", "a  b c"},
		"terminal sequence":      {"\x1b[31mred", "[31mred"},
		"right-to-left override": {"abc\u202egpj.exe", "abc gpj.exe"},
		"not UTF-8":              {"a\xffb", "a\ufffdb"},
		"300 characters":         {strings.Repeat("ü", 300), strings.Repeat("ü", 300)},
		"301 characters":         {strings.Repeat("ü", 301), strings.Repeat("ü", 299) + "…"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := Clean(tc.text); got != tc.want {
				t.Errorf("Clean(%q) = %q, want %q", tc.text, got, tc.want)
			}
		})
	}
}

func FuzzClean(f *testing.F) {
	for _, seed := range []string{"", "plain", "\x1b[2J\u202e\xff", strings.Repeat("x", 400), " \u2028 "} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := Clean(text)
		if n := utf8.RuneCountInString(got); n > maxMessage || !utf8.ValidString(got) {
			t.Errorf("Clean(%q) has %d characters, valid: %v", text, n, utf8.ValidString(got))
		}
		for _, r := range got {
			if !unicode.IsGraphic(r) {
				t.Errorf("Clean(%q) keeps %U", text, r)
			}
		}
		if again := Clean(got); again != got {
			t.Errorf("Clean(%q) = %q, cleaned again %q", text, got, again)
		}
	})
}

// TestErrorsAreNotChanged makes errors of another, which may be shared by the items of a batch.
func TestErrorsAreNotChanged(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	made := func() *Error { return NewError(Rejected, "Status422", "no") }
	e := made()
	got := e.With(Retry).WithReason("Busy").WithMessage("not\nnow").WithPause(time.Second).WithCause(cause)
	want := &Error{Class: Retry, Reason: "Busy", Message: "not now", RetryAfter: time.Second}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Error{}, "Err")); diff != "" || !errors.Is(got, cause) {
		t.Errorf("cause %v (-want +got):\n%s", got.Err, diff)
	}
	if diff := cmp.Diff(made(), e); diff != "" {
		t.Errorf("the error that others were made of (-want +got):\n%s", diff)
	}
}

func TestBlameNoItem(t *testing.T) {
	t.Parallel()
	other := errors.New("other")
	cases := map[string]struct {
		err  error
		want *Error // nil where the error stays as it is
	}{
		"none":              {nil, nil},
		"another error":     {other, nil},
		"refusal":           {NewError(Rejected, "Status422", "no"), NewError(Retry, "Status422", "no")},
		"refusal, wrapped":  {fmt.Errorf("look up: %w", NewError(Rejected, "Status422", "no")), NewError(Retry, "Status422", "no")},
		"another class":     {NewError(Unauthorized, "Unauthorized", "no"), nil},
		"unknown, of a SKU": {NewError(Unmapped, "UnknownSKU", "no"), nil},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := BlameNoItem(tc.err)
			if tc.want == nil {
				if got != tc.err { //nolint:errorlint // the very same
					t.Errorf("BlameNoItem = %v, want %v", got, tc.err)
				}
				return
			}
			if diff := cmp.Diff(tc.want, AsError(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
