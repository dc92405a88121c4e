package channel

import (
	"fmt"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// Registration is a connector that Channels can select.
type Registration struct {
	Type    inventoryv1alpha1.ChannelType
	Factory Factory
}

// Registry holds the connectors.
type Registry struct {
	factories map[inventoryv1alpha1.ChannelType]Factory
}

// NewRegistry makes a registry; two connectors of one type are an error.
func NewRegistry(registrations ...Registration) (*Registry, error) {
	r := &Registry{factories: map[inventoryv1alpha1.ChannelType]Factory{}}
	for _, reg := range registrations {
		if _, twice := r.factories[reg.Type]; twice {
			return nil, fmt.Errorf("connector %q is registered twice", reg.Type)
		}
		r.factories[reg.Type] = reg.Factory
	}
	return r, nil
}

// New builds the connector of a Channel, with mapping and metrics around it.
func (r *Registry) New(cfg Config) (Connector, error) {
	factory, known := r.factories[cfg.Channel.Spec.Type]
	if !known {
		return nil, NewError(Terminal, ReasonUnknownType, fmt.Sprintf("spec.type: no connector %q", cfg.Channel.Spec.Type))
	}
	mapping, err := newMapping(cfg)
	if err != nil {
		return nil, err
	}
	connector, err := factory(cfg)
	if err != nil {
		return nil, err
	}
	return measure(mapping.around(connector), cfg), nil
}
