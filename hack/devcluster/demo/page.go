package demo

import (
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"time"
)

// MaxRows is how many rows of a channel the page shows: those that changed last.
const MaxRows = 200

//go:embed page.html page.css page.js
var files embed.FS

var page = template.Must(template.ParseFS(files, "page.html"))

// View is what the page shows of a channel.
type View struct {
	Name     string    `json:"name"`
	Mode     string    `json:"mode"`
	Path     string    `json:"path"`
	Calls    int64     `json:"calls"`
	LastCall time.Time `json:"lastCall,omitzero"`
	SKUs     int       `json:"skus"`    // rows in all
	Matches  int       `json:"matches"` // rows that match the filter
	Rows     []Row     `json:"rows"`    // at most MaxRows of those, the latest change first
}

// View returns the rows that contain filter in their SKU or location.
func (c *Channel) View(filter string) View {
	c.mu.Lock()
	v := View{Name: c.name, Mode: c.mode, Path: c.path, Calls: c.calls, LastCall: c.lastCall, SKUs: len(c.rows)}
	v.Rows = make([]Row, 0, len(c.rows))
	for _, row := range c.rows {
		if row.contains(filter) {
			v.Rows = append(v.Rows, row)
		}
	}
	c.mu.Unlock()

	slices.SortFunc(v.Rows, func(a, b Row) int {
		return cmp.Or(b.Changed.Compare(a.Changed), cmp.Compare(a.Location, b.Location), cmp.Compare(a.SKU, b.SKU))
	})
	v.Matches = len(v.Rows)
	v.Rows = v.Rows[:min(len(v.Rows), MaxRows)]
	return v
}

// Handler serves the channels at their paths, the page at /, and its data at /state.json.
func Handler(channels []*Channel) (http.Handler, error) {
	mux := http.NewServeMux()
	for _, c := range channels {
		if c.path == "" || c.path == "/" {
			return nil, fmt.Errorf("demo channel %s: its URL needs a path, / is the page", c.name)
		}
	}
	views := func(r *http.Request) []View {
		all := make([]View, 0, len(channels))
		for _, c := range channels {
			all = append(all, c.View(r.FormValue("q")))
		}
		return all
	}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = page.Execute(w, map[string]any{"Channels": views(r), "MaxRows": MaxRows})
	})
	mux.HandleFunc("GET /state.json", func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, http.StatusOK, views(r))
	})
	mux.Handle("GET /page.css", http.FileServerFS(files))
	mux.Handle("GET /page.js", http.FileServerFS(files))

	receivers := make(map[string]*Channel, len(channels)) // not patterns of the mux: a path may hold anything
	for _, c := range channels {
		receivers[c.path] = c
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, ok := receivers[r.URL.Path]; ok {
			c.ServeHTTP(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		mux.ServeHTTP(w, r)
	}), nil
}
