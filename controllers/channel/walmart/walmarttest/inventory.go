package walmarttest

import (
	"encoding/json"
	"net/http"

	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

type quantity struct {
	Unit   string `json:"unit"`
	Amount *int64 `json:"amount"`
}

func (q quantity) valid() bool { return q.Unit == "EACH" && q.Amount != nil && *q.Amount >= 0 }

type total struct {
	SKU      string   `json:"sku"`
	Quantity quantity `json:"quantity"`
}

func (s *Server) putTotal(w http.ResponseWriter, sku, node string, body []byte) {
	var in total
	if json.Unmarshal(body, &in) != nil || in.SKU != sku || !in.Quantity.valid() {
		refuse(w, http.StatusBadRequest, Fault{Code: "INVALID_REQUEST_CONTENT.GMP_INVENTORY_API", Category: "DATA", Severity: "ERROR", Description: "Request content is invalid."})
		return
	}
	if f := s.missing(sku, node); f != nil {
		refuse(w, http.StatusNotFound, *f)
		return
	}
	s.stock[NodeSKU{node, sku}] = *in.Quantity.Amount
	s.Lose()
	fakeserver.JSON(w, http.StatusOK, in)
}

// missing is the error of an item or a node that does not exist.
func (s *Server) missing(sku, node string) *Fault {
	switch {
	case !s.skus.Has(sku):
		return new(noContent("SKU"))
	case s.nodes != nil && !s.nodes.Has(node):
		return new(Fault{Code: "INVALID_SHIP_NODE", Category: "DATA", Severity: "ERROR", Field: "shipNode", Description: "The ship node does not exist"})
	}
	return nil
}

func (s *Server) getTotal(w http.ResponseWriter, sku, node string) {
	if f := s.missing(sku, node); f != nil {
		refuse(w, http.StatusNotFound, *f)
		return
	}
	amount := s.stock[NodeSKU{node, sku}]
	fakeserver.JSON(w, http.StatusOK, total{sku, quantity{"EACH", &amount}})
}

type node struct {
	ShipNode string    `json:"shipNode"`
	Status   string    `json:"status,omitempty"`
	Errors   []Fault   `json:"errors,omitempty"`
	InputQty *quantity `json:"inputQty,omitempty"`
}

func (s *Server) putNodes(w http.ResponseWriter, sku string, body []byte) {
	var in struct {
		Inventories struct {
			Nodes []node `json:"nodes"`
		} `json:"inventories"`
	}
	if json.Unmarshal(body, &in) != nil || len(in.Inventories.Nodes) == 0 {
		refuse(w, http.StatusBadRequest, Fault{Code: "INVALID_REQUEST_CONTENT.GMP_INVENTORY_API", Category: "DATA", Severity: "ERROR", Description: "Request content is invalid."})
		return
	}
	if !s.skus.Has(sku) {
		refuse(w, http.StatusNotFound, noContent("SKU"))
		return
	}
	var out []node
	for _, n := range in.Inventories.Nodes {
		f := s.missing(sku, n.ShipNode)
		switch {
		case f != nil && s.rules.WholeCall:
			refuse(w, http.StatusBadRequest, *f)
			return
		case f != nil:
			out = append(out, node{ShipNode: n.ShipNode, Status: "Failure", Errors: []Fault{*f}})
		case n.InputQty == nil || !n.InputQty.valid():
			out = append(out, node{ShipNode: n.ShipNode, Status: "Failure", Errors: []Fault{{Code: "INVALID_QUANTITY", Category: "DATA", Severity: "ERROR", Description: "Invalid amount"}}})
		default:
			s.stock[NodeSKU{n.ShipNode, sku}] = *n.InputQty.Amount
			out = append(out, node{ShipNode: n.ShipNode, Status: "Success"})
		}
	}
	s.Lose()
	fakeserver.JSON(w, http.StatusOK, map[string]any{"sku": sku, "nodes": out})
}

func (s *Server) getNodes(w http.ResponseWriter, sku string) {
	if !s.skus.Has(sku) {
		refuse(w, http.StatusNotFound, noContent("SKU"))
		return
	}
	out := []node{}
	for at, amount := range s.stock {
		if at.SKU == sku {
			out = append(out, node{ShipNode: at.Node, InputQty: &quantity{"EACH", &amount}})
		}
	}
	fakeserver.JSON(w, http.StatusOK, map[string]any{"sku": sku, "nodes": out})
}
