package webhook

import (
	"net/http"
	"sync"
	"testing"
)

// TestFirstRequestsTogether sends the first requests of a fresh replica, and those after a change, all at
// once: none may meet credentials that are half built.
func TestFirstRequestsTogether(t *testing.T) {
	t.Parallel()
	for range 50 {
		r := newRig(t)
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
