package woocommerce

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"

	"tallyman.dev/tallyman/controllers/channel"
)

// Keys of the credentials Secret.
const (
	keyName    = "consumerKey"
	secretName = "consumerSecret"
)

// inQuery is the value of spec.wooCommerce.credentialsIn for servers that drop the header Authorization.
const inQuery = "Query"

// authenticate prepares what every call carries.
func (c *connector) authenticate(credentials map[string][]byte, in string) error {
	key, secret := string(credentials[keyName]), string(credentials[secretName])
	for name, value := range map[string]string{keyName: key, secretName: secret} {
		if value == "" {
			return channel.NewError(channel.Terminal, "InvalidCredentials", fmt.Sprintf("credentials: %s must be set", name))
		}
	}
	if in == inQuery {
		c.query = url.Values{"consumer_key": {key}, "consumer_secret": {secret}}
		return nil
	}
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(key+":"+secret))
	c.http.Mask(basic)
	c.header = http.Header{"Authorization": {basic}}
	return nil
}
