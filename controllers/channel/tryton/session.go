package tryton

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"tallyman.dev/tallyman/controllers/channel"
)

// Keys of the credentials Secret.
const (
	usernameKey = "username"
	passwordKey = "password"
)

// login is a user of the database.
type login struct{ username, password string }

func newLogin(cfg channel.Config) (login, error) {
	values, err := cfg.Secret().Texts(usernameKey, passwordKey)
	switch {
	case err != nil:
		return login{}, err
	case strings.Contains(values[0], ":"):
		return login{}, cfg.Secret().Invalid(usernameKey, "must not hold a colon, which Tryton's sessions cannot carry")
	}
	return login{values[0], values[1]}, nil
}

// secret is the parameter of a login by password.
type secret struct {
	Password string `json:"password"`
}

// ticket is the answer to a login: the user's id and the key of a session.
type ticket struct {
	user int64
	key  string
}

var errNoTicket = errors.New("a login that is not a pair of user and session")

// UnmarshalJSON implements json.Unmarshaler.
func (t *ticket) UnmarshalJSON(raw []byte) error {
	var pair []json.RawMessage
	if err := json.Unmarshal(raw, &pair); err != nil {
		return err
	}
	if len(pair) != 2 {
		return errNoTicket
	}
	if err := json.Unmarshal(pair[0], &t.user); err != nil {
		return err
	}
	return json.Unmarshal(pair[1], &t.key)
}

// logIn is the login of the session. It also learns the company, and whether the user may do what
// Push needs: of a call that is refused for want of a right, Tryton says the same as of a bad item.
func (c *connector) logIn(ctx context.Context) (*channel.Grant, error) {
	var t ticket
	if err := c.ask(ctx, c.http.Do, &t, "common.db.login", c.login.username, secret{c.login.password}); err != nil {
		return nil, err
	}
	if t.key == "" {
		return nil, channel.InvalidAnswer("the login was answered without a session")
	}
	value := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%s:%d:%s", c.login.username, t.user, t.key))
	c.http.Mask(t.key)
	c.http.Mask(value)
	grant := &channel.Grant{Header: http.Header{"Authorization": {"Session " + value}}}
	send := func(ctx context.Context, r channel.Request) (*channel.Response, error) {
		r.Header = grant.Header
		return c.http.Do(ctx, r)
	}
	if err := c.checkAccess(ctx, send); err != nil {
		return nil, err
	}
	if err := c.findCompany(ctx, send); err != nil {
		return nil, err
	}
	return grant, nil
}

// enter logs in where nobody has yet, so that the company is known.
func (c *connector) enter(ctx context.Context) error {
	if c.session.Held() != nil {
		return nil
	}
	_, err := c.session.Renew(ctx, nil)
	return err
}

// preferences are what the connector wants to know of its user.
type preferences struct {
	Company *int64 `json:"company"`
}

func (c *connector) findCompany(ctx context.Context, send sender) error {
	if id := c.spec.CompanyID; id != 0 {
		c.company.Store(id)
		return nil
	}
	var p preferences
	if err := c.ask(ctx, send, &p, "model.res.user.get_preferences", true, frame{}); err != nil {
		return err
	}
	if p.Company == nil {
		return channel.NewError(channel.Terminal, reasonNoCompany, "the user has no company: give it one, or set spec.tryton.companyId")
	}
	c.company.Store(*p.Company)
	return nil
}

// rights are what a user may do with a model.
type rights struct {
	Read   flag `json:"read"`
	Write  flag `json:"write"`
	Create flag `json:"create"`
	Delete flag `json:"delete"`
}

const (
	inventoryModel = "stock.inventory"
	locationModel  = "stock.location"
	productModel   = "product.product"
)

// checkAccess wants the rights that Push needs.
func (c *connector) checkAccess(ctx context.Context, send sender) error {
	var have map[string]rights
	models := []string{inventoryModel, locationModel, productModel}
	if err := c.ask(ctx, send, &have, "model.ir.model.access.get_access", models, frame{}); err != nil {
		return err
	}
	for _, model := range models {
		r := have[model]
		if !r.Read || model == inventoryModel && (!r.Write || !r.Create || !r.Delete) {
			return channel.NewError(channel.Unauthorized, channel.ReasonAccessDenied,
				fmt.Sprintf("the user lacks rights on %s: it must be in the group Stock", model))
		}
	}
	return nil
}
