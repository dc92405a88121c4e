package ledger

import (
	"strconv"

	"k8s.io/apimachinery/pkg/types"
)

// LocationKey names a Location object.
type LocationKey = types.NamespacedName

// PoolKey names an inventory pool of a Location.
type PoolKey struct {
	Location LocationKey
	PoolID   int64
}

// parseRevision reads a resourceVersion. Those of one API server compare as integers (since
// Kubernetes 1.35 by contract). What is not a number, such as the empty string, is before
// everything else.
func parseRevision(resourceVersion string) uint64 {
	n, err := strconv.ParseUint(resourceVersion, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// FormatRevision writes a revision as a resourceVersion; 0 is the empty string.
func FormatRevision(revision uint64) string {
	if revision == 0 {
		return ""
	}
	return strconv.FormatUint(revision, 10)
}
