package webhook

import (
	"encoding/base64"
	"net/http"
	"sync"
	"testing"
)

// TestFirstRequestsTogether sends the first requests of a fresh replica, and those after a change, all at
// once: none may meet credentials that are half built.
func TestFirstRequestsTogether(t *testing.T) {
	t.Parallel()
	for range 50 {
		r := newHarness(t)
		for range 2 {
			var together sync.WaitGroup
			for range 8 {
				together.Go(func() {
					if resp := r.do(t, call{body: specObject}); resp.StatusCode != http.StatusOK {
						t.Errorf("status %d: %s", resp.StatusCode, text(t, resp))
					}
				})
			}
			together.Wait()
			r.auth.changed()
		}
	}
}

// TestCredentialsOfFiles sends what a file held whose last line break the Secret keeps, in both ways, and values
// that a request cannot carry, whose Client is not Ready.
func TestCredentialsOfFiles(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		storedName, storedPassword string
		sentName, sentPassword     string
		want                       int
	}{
		"plain":                  {"u", "s3cret", "u", "s3cret", http.StatusOK},
		"line breaks":            {"u\n", "s3cret\n", "u", "s3cret", http.StatusOK},
		"line breaks of Windows": {"u\r\n", "s3cret\r\n", "u", "s3cret", http.StatusOK},
		"blank inside":           {"u", "correct horse\n", "u", "correct horse", http.StatusOK},
		"colon in the password":  {"u", "a:b\n", "u", "a:b", http.StatusOK},
		"the first line alone":   {"u", "s3cret\nmore\n", "u", "s3cret", http.StatusUnauthorized},
		"several lines":          {"u", "s3cret\nmore", "u", "s3cret\nmore", http.StatusUnauthorized},
		"control character":      {"u", "s3c\x00ret", "u", "s3c\x00ret", http.StatusUnauthorized},
		"colon in the username":  {"u:v", "w", "u:v", "w", http.StatusUnauthorized},
		"cut at the colon":       {"u:v", "w", "u", "v:w", http.StatusUnauthorized},
		"a line break alone":     {"u", "\n", "u", "", http.StatusUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newHarness(t, tenant("files", "acme", 10000900, "", "file"), login("files", "file", tc.storedName, tc.storedPassword),
				newLocation("files", "wd003", "acme", "wd003", 1000901))
			basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(tc.sentName+":"+tc.sentPassword))
			for way, header := range map[string]map[string]string{
				"headers": {"authUsername": tc.sentName, "authPassword": tc.sentPassword, "authDomainName": ""},
				"Basic":   {"authUsername": "", "authPassword": "", "authDomainName": "", "Authorization": basic},
			} {
				if resp := r.do(t, call{body: specObject, header: header}); resp.StatusCode != tc.want {
					t.Errorf("by %s: status %d: %s, want %d", way, resp.StatusCode, text(t, resp), tc.want)
				}
			}
		})
	}
}
