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

func TestCredentials(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		username, password string
		missing            string
	}{
		"complete":    {"u", "p", ""},
		"no username": {"", "p", "username"},
		"no password": {"u", "", "password"},
		"neither":     {"", "", "username"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			secret := map[string][]byte{"other": []byte("o")}
			for key, value := range map[string]string{"username": tc.username, "password": tc.password} {
				if value != "" {
					secret[key] = []byte(value)
				}
			}
			username, password, missing := v1alpha1.Credentials(secret)
			if missing != tc.missing {
				t.Errorf("missing %q, want %q", missing, tc.missing)
			}
			if missing == "" && (string(username) != tc.username || string(password) != tc.password) || missing != "" && (username != nil || password != nil) {
				t.Errorf("credentials %q, %q", username, password)
			}
		})
	}
}
