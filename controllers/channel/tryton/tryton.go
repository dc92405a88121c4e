// Package tryton is the connector for the ERP Tryton. Quantities are set as a stock count is: by an
// inventory document of a location, which is created with the counted quantities and then confirmed,
// so that Tryton books the differences as moves from and to its lost-and-found location.
//
// The facts are those of trytond and its module stock of series 6.0, where every call is a POST of
// JSON-RPC, and errors come with status 200.
package tryton

import (
	"cmp"
	"context"
	"strings"
	"sync/atomic"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/resolve"
)

const (
	// BatchSize is the most lines of an inventory. Tryton has no limit; this keeps a document readable
	// and its transaction short.
	BatchSize = 200

	// lookupSize is the most codes in one look-up of products.
	lookupSize = 500

	// maxParallel is one: documents of one location that overlap would hide each other's moves.
	maxParallel = 1
)

type connector struct {
	http      *channel.HTTPClient
	session   *channel.Session
	url       string
	spec      inventoryv1alpha1.TrytonChannel
	login     login
	batchSize int
	targets   resolve.Targets[int64, countLocation] // a product is known by its id

	// company is that of the last login; 0 before the first.
	company atomic.Int64
}

// New builds the connector.
func New(cfg channel.Config) (channel.Connector, error) {
	spec := cfg.Channel.Spec.Tryton
	if spec == nil {
		return nil, channel.InvalidSpec("spec.tryton must be set")
	}
	if err := cfg.CheckSums("spec.tryton.location", spec.Location); err != nil {
		return nil, err
	}
	credentials, err := newLogin(cfg)
	if err != nil {
		return nil, err
	}
	client, err := channel.NewHTTPClient(cfg)
	if err != nil {
		return nil, err
	}
	c := &connector{
		http: client, spec: *spec, login: credentials, batchSize: cfg.BatchSize(BatchSize),
		url: strings.TrimSuffix(string(spec.URL), "/") + "/", // without it, Tryton redirects
	}
	c.spec.LocationKey = cmp.Or(spec.LocationKey, inventoryv1alpha1.TrytonLocationCode)
	c.session = &channel.Session{HTTP: client, Clock: cfg.Clock, Login: c.logIn}
	c.targets = resolve.Targets[int64, countLocation]{
		Items: resolve.New(cfg.Clock, lookupSize, c.lookUp),
		// Locations are found anew for each batch.
		Locations: resolve.Anew(1, c.lookUpLocations).Explained(c.noLocation).Checked(countable),
		Sums:      spec.Location,
	}
	return c, nil
}

// Limits implements channel.Connector.
func (c *connector) Limits() channel.Limits {
	return channel.Limits{
		BatchSize: c.batchSize, OneLocationPerCall: true, MaxParallel: maxParallel,
		Patience: channel.MaxPatience, // a Push makes several calls
	}
}

// Probe implements channel.Connector: it wants a session that works, and the rights that Push needs.
func (c *connector) Probe(ctx context.Context) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	return c.checkAccess(ctx, c.session.Do)
}
