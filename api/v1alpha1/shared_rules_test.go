package v1alpha1_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tallyman.dev/tallyman/api/v1alpha1"
)

func TestOlderThan(t *testing.T) {
	t.Parallel()
	location := func(name string, created int64) *v1alpha1.Location {
		return &v1alpha1.Location{ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: metav1.NewTime(time.Unix(created, 0))}}
	}
	for name, tc := range map[string]struct {
		a, b *v1alpha1.Location
		want bool
	}{
		"created before":                {location("z", 1), location("a", 2), true},
		"created after":                 {location("a", 2), location("z", 1), false},
		"of one second, the first name": {location("a", 1), location("b", 1), true},
		"of one second, the later name": {location("b", 1), location("a", 1), false},
		"itself":                        {location("a", 1), location("a", 1), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := tc.a.OlderThan(tc.b); got != tc.want {
				t.Errorf("older: %v, want %v", got, tc.want)
			}
		})
	}
}
