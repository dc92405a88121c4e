package walmarttest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

// feed is one that was submitted.
type feed struct {
	id, kind string
	looks    int // until it ends
	hidden   bool
	status   string
	items    []feedItem
	errors   []Fault
	date     time.Time
}

type feedItem struct {
	sku    string
	set    map[string]int64 // by node
	status string
	errors []Fault
}

// AddFeed adds a feed that somebody else has submitted, which ends after some looks.
func (s *Server) AddFeed(kind string, date time.Time, looks int) {
	s.mu.Do(func() { s.add(&feed{kind: kind, date: date, looks: looks}) })
}

func (s *Server) add(f *feed) {
	f.id, f.status = fmt.Sprintf("F%04d@AUoBAQA", len(s.feeds)+1), "INPROGRESS"
	s.feeds = append(s.feeds, f)
	if f.looks == 0 {
		s.work(f)
	}
}

// submit takes a feed: each kind has its own spelling of the same keys.
func (s *Server) submit(w http.ResponseWriter, kind, node string, body []byte) {
	f := &feed{kind: kind, looks: s.rules.Looks, hidden: s.rules.Hidden, date: time.Now()}
	var keys map[string]json.RawMessage
	_ = json.Unmarshal(body, &keys)
	switch kind {
	case "inventory":
		var in []total
		if json.Unmarshal(keys["Inventory"], &in) != nil || version(keys["InventoryHeader"]) != "1.4" {
			f.errors = []Fault{{Type: "DATA_ERROR", Code: "ERR_EXT_DATA_0503009", Description: "The file is not valid"}}
		}
		for _, it := range in {
			f.items = append(f.items, feedItem{sku: it.SKU, set: map[string]int64{node: *it.Quantity.Amount}})
		}
	case "MP_INVENTORY":
		var in []struct {
			SKU       string `json:"sku"`
			ShipNodes []struct {
				ShipNode string   `json:"shipNode"`
				Quantity quantity `json:"quantity"`
			} `json:"shipNodes"`
		}
		if json.Unmarshal(keys["inventory"], &in) != nil || version(keys["inventoryHeader"]) != "1.5" {
			f.errors = []Fault{{Type: "DATA_ERROR", Code: "ERR_EXT_DATA_0503009", Description: "The file is not valid"}}
		}
		for _, it := range in {
			item := feedItem{sku: it.SKU, set: map[string]int64{}}
			for _, n := range it.ShipNodes {
				item.set[n.ShipNode] = *n.Quantity.Amount
			}
			f.items = append(f.items, item)
		}
	default:
		refuse(w, http.StatusBadRequest, Fault{Code: "INVALID_REQUEST_PARAM.GMP_GATEWAY_API", Category: "DATA", Severity: "ERROR", Field: "feedType", Description: "Invalid feed type"})
		return
	}
	if s.rules.FeedError != "" {
		f.errors = []Fault{{Type: s.rules.FeedError, Code: "ERR_EXT_0001", Description: "The feed was not used"}}
	}
	s.add(f)
	s.Lose()
	fakeserver.JSON(w, http.StatusOK, map[string]string{"feedId": f.id})
}

func version(header json.RawMessage) string {
	var out struct {
		Version string `json:"version"`
	}
	_ = json.Unmarshal(header, &out)
	return out.Version
}

// work ends a feed.
func (s *Server) work(f *feed) {
	if f.errors != nil {
		f.status = "ERROR"
		return
	}
	f.status = "PROCESSED"
	for i := range f.items {
		it := &f.items[i]
		switch wrong := s.rules.ItemError[it.sku]; {
		case slices.Contains(s.rules.Stuck, it.sku):
			it.status, f.status = "INPROGRESS", "INPROGRESS"
		case wrong != "":
			it.status, it.errors = wrong, []Fault{{Type: wrong, Code: "ERR_INT_0001", Description: "The item cannot be changed"}}
		case !s.skus.Has(it.sku):
			it.status, it.errors = "DATA_ERROR", []Fault{{Type: "DATA_ERROR", Code: "ERR_PDI_0001", Field: "sku", Description: "The SKU was not found"}}
		default:
			it.status = "SUCCESS"
			for node, amount := range it.set {
				s.stock[NodeSKU{node, it.sku}] = amount
			}
		}
	}
}

// report answers the status of a feed. Each look brings it nearer to its end.
func (s *Server) report(w http.ResponseWriter, id string, query url.Values) {
	i := slices.IndexFunc(s.feeds, func(f *feed) bool { return f.id == id })
	if i < 0 || s.feeds[i].hidden {
		if i >= 0 {
			s.feeds[i].hidden = false
		}
		refuse(w, http.StatusNotFound, noContent("Feed"))
		return
	}
	f := s.feeds[i]
	if f.looks > 0 {
		if f.looks--; f.looks == 0 {
			s.work(f)
		}
	}
	out := map[string]any{"feedId": f.id, "feedStatus": f.status, "itemsReceived": len(f.items)}
	if f.errors != nil {
		out["ingestionErrors"] = map[string]any{"ingestionError": f.errors}
	}
	if query.Get("includeDetails") == "true" {
		out["itemDetails"] = map[string]any{"itemIngestionStatus": f.page(query)}
	}
	fakeserver.JSON(w, http.StatusOK, out)
}

func (f *feed) page(query url.Values) []any {
	offset, _ := strconv.Atoi(query.Get("offset"))
	limit, _ := strconv.Atoi(query.Get("limit"))
	out := []any{}
	for i := offset; i < min(offset+limit, len(f.items)); i++ {
		it := f.items[i]
		row := map[string]any{"martId": 0, "sku": it.sku, "index": i, "ingestionStatus": it.status, "ingestionErrors": map[string]any{"ingestionError": nil}}
		if it.status == "" {
			row["ingestionStatus"] = "INPROGRESS"
		}
		if it.errors != nil {
			row["ingestionErrors"] = map[string]any{"ingestionError": it.errors}
		}
		out = append(out, row)
	}
	return out
}

// list answers the latest feeds.
func (s *Server) list(w http.ResponseWriter) {
	out := []any{}
	for _, f := range slices.Backward(s.feeds) {
		out = append(out, map[string]any{"feedId": f.id, "feedType": f.kind, "feedStatus": f.status, "feedDate": f.date.UnixMilli()})
	}
	fakeserver.JSON(w, http.StatusOK, map[string]any{"totalResults": len(out), "offset": 0, "limit": 50, "results": map[string]any{"feed": out}})
}

// EndFeeds ends all feeds.
func (s *Server) EndFeeds() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.feeds {
		if f.looks > 0 {
			f.looks = 0
			s.work(f)
		}
	}
}
