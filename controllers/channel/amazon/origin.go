package amazon

import (
	"fmt"
	"net/url"
	"strings"

	"tallyman.dev/tallyman/controllers/channel"
)

// origin is where documents may be.
type origin struct {
	scheme, host, port string
	below              bool // all hosts below host, and not host itself
}

func parseOrigin(text string) (origin, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return origin{}, channel.InvalidSpec(fmt.Sprintf("spec.amazon.documentOrigins: %q is no origin", text))
	}
	host, below := strings.CutPrefix(u.Hostname(), "*.")
	return origin{u.Scheme, strings.ToLower(host), portOf(u), below}, nil
}

// holds reports whether a URL is of an origin.
func (o origin) holds(u *url.URL) bool {
	if u.Scheme != o.scheme || portOf(u) != o.port {
		return false
	}
	host := strings.ToLower(u.Hostname())
	if o.below {
		return strings.HasSuffix(host, "."+o.host)
	}
	return host == o.host
}

func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}
