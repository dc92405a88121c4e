package woocommerce

import (
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
func (c *connector) authenticate(cfg channel.Config) error {
	values, err := cfg.Secret().Tokens(keyName, secretName)
	if err != nil {
		return err
	}
	if cfg.Channel.Spec.WooCommerce.CredentialsIn == inQuery {
		c.query = url.Values{"consumer_key": {values[0]}, "consumer_secret": {values[1]}}
		return nil
	}
	c.header = http.Header{"Authorization": {c.http.BasicAuth(values[0], values[1])}}
	return nil
}
