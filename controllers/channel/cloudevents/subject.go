package cloudevents

import (
	"fmt"
	"strings"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

// subjects are where events go: prefix.location.sku, or prefix.sku for sums over all locations.
type subjects struct{ prefix string }

// of returns the subject of an item.
func (s subjects) of(mode inventoryv1alpha1.ChannelMode, it channel.Item) string {
	if code := channel.LocationOf(mode, it, ""); code != "" {
		return s.prefix + "." + token(code) + "." + token(it.SKU)
	}
	return s.prefix + "." + token(it.SKU)
}

// all returns what matches every subject of a mode.
func (s subjects) all(mode inventoryv1alpha1.ChannelMode) string {
	if mode == inventoryv1alpha1.Consolidated {
		return s.prefix + ".*"
	}
	return s.prefix + ".*.*"
}

// token writes a name as one token of a subject: ASCII letters, digits, - and _ stand for themselves,
// every other byte is = with two hexadecimal digits. Different names have different tokens.
func token(name string) string {
	var out strings.Builder
	for _, b := range []byte(name) {
		switch {
		case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b >= '0' && b <= '9', b == '-', b == '_':
			out.WriteByte(b)
		default:
			fmt.Fprintf(&out, "=%02X", b)
		}
	}
	return out.String()
}

// covers reports whether a subject with wildcards matches all that another one matches.
func covers(wide, narrow string) bool {
	have, want := strings.Split(wide, "."), strings.Split(narrow, ".")
	for i, t := range have {
		switch {
		case t == ">":
			return len(want) > i
		case i >= len(want), want[i] == ">":
			return false
		case t != "*" && t != want[i]:
			return false
		}
	}
	return len(have) == len(want)
}
