package woocommerce_test

import (
	"testing"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/woocommerce"
)

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*channel.Config)
		reason string
	}{
		"no configuration":               {func(c *channel.Config) { c.Channel.Spec.WooCommerce = nil }, "InvalidSpec"},
		"one quantity for each location": {func(c *channel.Config) { c.Channel.Spec.Mode = inventoryv1alpha1.LocationWise }, "InvalidSpec"},
		"no Secret":                      {func(c *channel.Config) { c.Credentials = nil }, "InvalidCredentials"},
		"no key":                         {func(c *channel.Config) { delete(c.Credentials, "consumerKey") }, "InvalidCredentials"},
		"empty secret":                   {func(c *channel.Config) { c.Credentials["consumerSecret"] = nil }, "InvalidCredentials"},
		"bad certificate":                {func(c *channel.Config) { c.TLS = map[string][]byte{"ca.crt": []byte("x")} }, "InvalidCertificate"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := configFor("https://shop.example.com")
			tc.change(&cfg)
			_, err := woocommerce.New(cfg)
			contract.WantError(t, err, channel.Terminal, tc.reason)
		})
	}
}

func TestProbe(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*shop)
		class  channel.Class // empty for success
		reason string
	}{
		"fine":                     {change: func(*shop) {}},
		"settings are not shown":   {change: func(s *shop) { s.HideSettings(true) }},
		"the shop keeps no stock":  {func(s *shop) { s.KeepStock(false) }, channel.Retry, "StockManagementOff"},
		"key that may only read":   {func(s *shop) { s.SetReadOnly(true) }, channel.Unauthorized, "Unauthorized"},
		"unknown key":              {func(s *shop) { s.SetKey("ck_other", testSecret) }, channel.Unauthorized, "Unauthorized"},
		"wrong secret for the key": {func(s *shop) { s.SetKey(testKey, "cs_other") }, channel.Unauthorized, "Unauthorized"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, nil)
			tc.change(s)
			err := s.Probe(t.Context())
			if tc.class != "" {
				contract.WantError(t, err, tc.class, tc.reason)
			} else if err != nil {
				t.Errorf("Probe: %v", err)
			}
		})
	}
}
