package cloudevents

import (
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

func TestSubjects(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ location, sku, want string }{
		"plain":         {"WD-1", "tee_red-M", "stock.WD-1.tee_red-M"},
		"dots":          {"a.b", "..", "stock.a=2Eb.=2E=2E"},
		"wildcards":     {"*", "a>", "stock.=2A.a=3E"},
		"white space":   {"a b", "a\tb\r\n", "stock.a=20b.a=09b=0D=0A"},
		"the escape":    {"=2E", "=", "stock.=3D2E.=3D"},
		"beyond ASCII":  {"größe", "\xff", "stock.gr=C3=B6=C3=9Fe.=FF"},
		"JetStream API": {"$JS", "API", "stock.=24JS.API"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := subjects{"stock"}.of(inventoryv1alpha1.LocationWise, channel.Item{SKU: tc.sku, LocationCode: tc.location})
			if got != tc.want {
				t.Errorf("subject %s, want %s", got, tc.want)
			}
			_, sku, _ := strings.Cut(tc.want[len("stock."):], ".")
			if got := (subjects{"stock"}).of(inventoryv1alpha1.Consolidated, channel.Item{SKU: tc.sku, LocationCode: tc.location}); got != "stock."+sku {
				t.Errorf("consolidated: subject %s, want stock.%s", got, sku)
			}
		})
	}
}

// FuzzToken checks that every name is one token that the server takes literally, and no other's.
func FuzzToken(f *testing.F) {
	for _, seed := range []string{"a", ".", "*", ">", " ", "=", "=2E", "\x00", "größe", "\xff\xfe"} {
		f.Add(seed, "="+seed)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if a == "" {
			return
		}
		got := token(a)
		if !server.IsValidLiteralSubject(got) || strings.Contains(got, ".") {
			t.Errorf("%q becomes %q, which is no token", a, got)
		}
		if a != b && got == token(b) {
			t.Errorf("%q and %q both become %q", a, b, got)
		}
	})
}

func TestCovers(t *testing.T) {
	t.Parallel()
	cases := []struct {
		wide, narrow string
		want         bool
	}{
		{">", "a.*.*", true},
		{"a.>", "a.*.*", true},
		{"a.*.*", "a.*.*", true},
		{"*.*.*", "a.*.*", true},
		{"a.*.>", "a.*.*", true},
		{"a.*.*.>", "a.*.*", false},
		{"a.*", "a.*.*", false},
		{"a.*.*.*", "a.*.*", false},
		{"a.*.b", "a.*.*", false},
		{"a.b.*", "a.*.*", false},
		{"b.>", "a.*.*", false},
		{"a.*", "a.>", false},
		{"a.>", "a.b.>", true},
		{"a", "a", true},
		{"a.>", "a", false},
	}
	for _, tc := range cases {
		if got := covers(tc.wide, tc.narrow); got != tc.want {
			t.Errorf("%s covers %s: %v, want %v", tc.wide, tc.narrow, got, tc.want)
		}
		if got := server.SubjectsCollide(tc.wide, tc.narrow); tc.want && !got {
			t.Errorf("the server says that %s and %s have nothing in common", tc.wide, tc.narrow)
		}
	}
}
