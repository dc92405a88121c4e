package resolve_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tallyman.dev/tallyman/controllers/channel/resolve"
)

func TestPortions(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		names []string
		want  [][]string
	}{
		"none":                 {nil, nil},
		"few":                  {[]string{"a", "b"}, [][]string{{"a", "b"}}},
		"more than go at once": {[]string{"a", "b", "c", "d"}, [][]string{{"a", "b", "c"}, {"d"}}},
		"long ones":            {[]string{"aaaa", "bbbb", "ccc"}, [][]string{{"aaaa"}, {"bbbb", "ccc"}}},
		"one beyond the limit": {[]string{"a", "bbbbbbbbb", "c"}, [][]string{{"a"}, {"bbbbbbbbb"}, {"c"}}},
		"one at the limit":     {[]string{"a", "bbbbbbb", "c"}, [][]string{{"a"}, {"bbbbbbb"}, {"c"}}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := resolve.Portions(tc.names, 3, 7, func(name string) int { return len(name) })
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
