package shopifytest

import (
	"slices"
	"strconv"
)

type scope struct {
	Handle string `json:"handle"`
}

func (s *Shop) appInstallation(*call) (any, *Error) {
	out := struct {
		Scopes []scope `json:"accessScopes"`
	}{}
	for _, handle := range s.access.scopes {
		out.Scopes = append(out.Scopes, scope{handle})
	}
	return out, nil
}

type connection[T any] struct {
	Nodes    []T      `json:"nodes"`
	PageInfo pageInfo `json:"pageInfo"`
}

type pageInfo struct {
	HasNextPage bool    `json:"hasNextPage"`
	EndCursor   *string `json:"endCursor"`
}

// paged are the arguments of a list.
type paged struct {
	First int     `json:"first"`
	After *string `json:"after"`
	Query string  `json:"query"`
}

// paginate returns the page of a list that a call asks for. Cursors are positions.
func paginate[T any](all []T, p paged, limit int) connection[T] {
	from := 0
	if p.After != nil {
		from, _ = strconv.Atoi(*p.After)
	}
	size := min(max(p.First, 0), 250)
	if limit > 0 {
		size = min(size, limit)
	}
	from = min(from, len(all))
	to := min(from+size, len(all))
	out := connection[T]{Nodes: append([]T{}, all[from:to]...)}
	if to > from {
		cursor := strconv.Itoa(to)
		out.PageInfo = pageInfo{HasNextPage: to < len(all), EndCursor: &cursor}
	}
	return out
}

type itemNode struct {
	Type    string     `json:"__typename"`
	ID      string     `json:"id"`
	SKU     *string    `json:"sku"`
	Tracked bool       `json:"tracked"`
	Level   *levelNode `json:"inventoryLevel"`
}

type levelNode struct {
	Quantities []quantityNode `json:"quantities"`
}

type quantityNode struct {
	Name     string `json:"name"`
	Quantity int64  `json:"quantity"`
}

func newItemNode(it *Item) itemNode {
	out := itemNode{Type: "InventoryItem", ID: it.ID, Tracked: !it.Untracked}
	if it.SKU != "" {
		out.SKU = &it.SKU
	}
	return out
}

func (s *Shop) inventoryItems(c *call) (any, *Error) {
	var args paged
	if err := arguments(c.root, c.variables, &args); err != nil {
		return nil, failure("INTERNAL_SERVER_ERROR", "%v", err)
	}
	matches := search(args.Query)
	var found []itemNode
	for _, it := range s.items {
		if matches(it.SKU) {
			found = append(found, newItemNode(it))
		}
	}
	out := paginate(found, args, s.pageSize)
	c.spared = float64(args.First - len(out.Nodes))
	return out, nil
}

type locationNode struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

func (s *Shop) listLocations(c *call) (any, *Error) {
	if !slices.Contains(s.access.scopes, "read_locations") {
		return nil, failure("ACCESS_DENIED", "Access denied for locations field. Required access: `read_locations` access scope.")
	}
	var args paged
	if err := arguments(c.root, c.variables, &args); err != nil {
		return nil, failure("INTERNAL_SERVER_ERROR", "%v", err)
	}
	var all []locationNode
	for _, l := range s.locations {
		all = append(all, locationNode(l))
	}
	out := paginate(all, args, s.pageSize)
	c.spared = float64(args.First - len(out.Nodes))
	return out, nil
}

func (s *Shop) nodes(c *call) (any, *Error) {
	var args struct {
		IDs []string `json:"ids"`
	}
	var at struct {
		LocationID string `json:"locationId"`
	}
	var what struct {
		Names []string `json:"names"`
	}
	err := arguments(c.root, c.variables, &args)
	if level := find(c.root.SelectionSet, "inventoryLevel"); level != nil && err == nil {
		err = arguments(level, c.variables, &at)
		if quantities := find(level.SelectionSet, "quantities"); quantities != nil && err == nil {
			err = arguments(quantities, c.variables, &what)
		}
	}
	switch {
	case err != nil:
		return nil, failure("INTERNAL_SERVER_ERROR", "%v", err)
	case len(args.IDs) > maxInput:
		return nil, tooMany(len(args.IDs))
	}
	out := make([]*itemNode, len(args.IDs)) // nil for what there is not
	for i, id := range args.IDs {
		if it := s.item(id); it != nil {
			n := newItemNode(it)
			n.Level = s.level(itemLocation{id, at.LocationID}, what.Names)
			out[i] = &n
		}
	}
	return out, nil
}

func (s *Shop) level(at itemLocation, names []string) *levelNode {
	l, ok := s.levels[at]
	if !ok {
		return nil
	}
	out := &levelNode{Quantities: []quantityNode{}}
	for _, name := range names {
		switch name {
		case "available":
			out.Quantities = append(out.Quantities, quantityNode{name, l.Available()})
		case "on_hand":
			out.Quantities = append(out.Quantities, quantityNode{name, l.OnHand})
		}
	}
	return out
}
