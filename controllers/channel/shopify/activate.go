package shopify

import (
	"context"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/graphql"
)

func (c *connector) activates() bool { return c.spec.Unstocked == inventoryv1alpha1.ShopifyActivate }

// activate stocks an item at a location. Its failure is the item's, its error the call's.
func (c *connector) activate(ctx context.Context, r row) (*channel.Error, error) {
	variables := activateVariables{Item: r.Found.id, Location: r.Location}
	var err error
	if variables.Key, err = c.key("", nil, true); err != nil {
		return nil, err
	}
	var data struct {
		Activate *struct {
			UserErrors refusals `json:"userErrors"`
		} `json:"inventoryActivate"`
	}
	if _, err := c.api.Call(ctx, graphql.Request{Query: c.dialect.activate, Variables: variables}, &data); err != nil {
		return nil, err
	}
	switch {
	case data.Activate == nil || data.Activate.UserErrors == nil:
		return nil, invalidAnswer("inventoryActivate.userErrors")
	case len(data.Activate.UserErrors) > 0:
		return channel.NewError(channel.Unmapped, reasonActivationFailed, c.words(data.Activate.UserErrors[0])), nil
	}
	return nil, nil //nolint:nilnil // no failure is no error
}
