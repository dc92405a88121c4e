package odootest

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
)

// values are those of a quant to create.
type values struct {
	ProductID  int64    `json:"product_id"`
	LocationID int64    `json:"location_id"`
	Quantity   *float64 `json:"inventory_quantity_auto_apply"`
}

// create sets counted quantities: of the quant that a location has, or of a new one, and books the
// differences. Where one is refused, nothing is stored of any.
func (s *Server) create(body []byte) (any, error) {
	var in struct {
		Values  []values `json:"vals_list"`
		Context struct {
			InventoryMode bool   `json:"inventory_mode"`
			InventoryName string `json:"inventory_name"`
		} `json:"context"`
	}
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	if !in.Context.InventoryMode {
		return nil, &exception{http.StatusForbidden, "odoo.exceptions.AccessError", "You are not allowed to create 'Quants' (stock.quant) records."}
	}
	quants, moves := maps.Clone(s.quants), len(s.moves)
	var ids []int64
	for _, v := range in.Values {
		id, err := s.count(v, cmp.Or(in.Context.InventoryName, "Product Quantity Updated"))
		if err != nil {
			s.quants, s.moves = quants, s.moves[:moves]
			return nil, err
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

func (s *Server) count(v values, move string) (id int64, err error) {
	product, known := s.products[v.ProductID]
	location := s.locations[v.LocationID]
	switch {
	case !known:
		return 0, &exception{http.StatusNotFound, "odoo.exceptions.MissingError", fmt.Sprintf("Record does not exist or has been deleted.\n(Record: product.product(%d,), User: 2)", v.ProductID)}
	case product.Service:
		return 0, invalid("Quants cannot be created for consumables or services.")
	case location.Usage == "view":
		return 0, invalid("You cannot take products from or deliver products to a location of type \"view\" (%s).", location.Name)
	case product.Poison:
		return 0, invalid("%s must not be counted.", product.SKU)
	case v.Quantity == nil:
		return 0, &exception{http.StatusInternalServerError, "builtins.KeyError", "inventory_quantity_auto_apply"}
	}
	for _, id := range slices.Sorted(maps.Keys(s.quants)) {
		q := s.quants[id]
		if q.ProductID != v.ProductID || q.LocationID != v.LocationID || q.LotID != 0 || q.PackageID != 0 || q.OwnerID != 0 {
			continue
		}
		if q.Quantity != *v.Quantity {
			q.Quantity = *v.Quantity
			s.quants[id] = q
			s.moves = append(s.moves, move)
		}
		return id, nil
	}
	if *v.Quantity != 0 {
		s.moves = append(s.moves, move)
	}
	return s.add(func(id int64) {
		s.quants[id] = Quant{ProductID: v.ProductID, LocationID: v.LocationID, Quantity: *v.Quantity}
	}), nil
}

func invalid(format string, args ...any) error {
	return &exception{http.StatusUnprocessableEntity, "odoo.exceptions.ValidationError", fmt.Sprintf(format, args...)}
}
