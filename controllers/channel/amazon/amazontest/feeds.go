package amazontest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// storagePath is where the documents of feeds are kept. Whoever has the URL may use it.
var storagePath = regexp.MustCompile(`^/storage/([^/]+)$`)

// signature stands for that of a presigned URL.
const signature = "X-Amz-Signature=s1gnature"

// feeds are those that were submitted, and their documents.
type feeds struct {
	byID      map[string]*Feed
	documents map[string]*document
	looks     int    // how often a feed that is made from now on is seen at work
	end       string // how feeds end
	zip       bool
	base      string // of the URLs of documents; that of the caller unless set
}

// Feed is one that was submitted.
type Feed struct {
	ID, Type     string
	Marketplaces []string
	Document     []byte
	Status       string
	looks        int
	report       string
}

type document struct {
	contentType string
	content     []byte
	uploaded    bool
}

// WorkOnFeeds makes feeds, from the next one on, be seen waiting or at work so many times before they end.
func (s *Server) WorkOnFeeds(looks int) { s.mu.Do(func() { s.feeds.looks = looks }) }

// FinishFeeds lets all feeds end at the next look.
func (s *Server) FinishFeeds() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.feeds.byID {
		f.looks = 0
	}
}

// EndFeeds makes feeds end as DONE, FATAL or CANCELLED. Only those that are done are applied.
func (s *Server) EndFeeds(status string) { s.mu.Do(func() { s.feeds.end = status }) }

// ZipReports chooses whether processing reports are compressed.
func (s *Server) ZipReports(zip bool) { s.mu.Do(func() { s.feeds.zip = zip }) }

// KeepDocumentsAt changes where the URLs of documents lead to.
func (s *Server) KeepDocumentsAt(base string) { s.mu.Do(func() { s.feeds.base = base }) }

// Feeds returns the feeds in the order of their IDs, which count up.
func (s *Server) Feeds() []Feed {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Feed
	for _, f := range s.feeds.byID {
		out = append(out, *f)
	}
	slices.SortFunc(out, func(a, b Feed) int { return strings.Compare(a.ID, b.ID) })
	return out
}

func (s *Server) createDocument(call Call, _ []string) (int, any) {
	var in struct {
		ContentType string `json:"contentType"`
	}
	if err := json.Unmarshal(call.Body, &in); err != nil || in.ContentType == "" {
		return http.StatusBadRequest, failed("InvalidInput", "contentType is required")
	}
	id := fmt.Sprintf("document-%06d", len(s.feeds.documents)+1)
	s.feeds.documents[id] = &document{contentType: in.ContentType}
	return http.StatusCreated, map[string]string{"feedDocumentId": id, "url": s.documentURL(call, id)}
}

func (s *Server) documentURL(call Call, id string) string {
	base := s.feeds.base
	if base == "" {
		base = "http://" + call.Header.Get("Host")
	}
	return base + "/storage/" + id + "?" + signature
}

// store plays the storage: it wants the signature and, for an upload, the content type that was announced,
// and takes a request with a token for one that has gone astray.
func (s *Server) store(w http.ResponseWriter, req *http.Request, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.feeds.documents[storagePath.FindStringSubmatch(req.URL.EscapedPath())[1]]
	switch {
	case d == nil, req.URL.RawQuery != signature, req.Header.Get("x-amz-access-token") != "",
		req.Method == http.MethodPut && req.Header.Get("Content-Type") != d.contentType:
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte("<Error><Code>SignatureDoesNotMatch</Code><SignatureProvided>" + signature + "</SignatureProvided></Error>"))
	case req.Method == http.MethodPut:
		d.content, d.uploaded = body, true
	default:
		_, _ = w.Write(d.content) // an error here means that the caller is gone
	}
}

func (s *Server) createFeed(call Call, _ []string) (int, any) {
	var in struct {
		FeedType            string   `json:"feedType"`
		MarketplaceIDs      []string `json:"marketplaceIds"`
		InputFeedDocumentID string   `json:"inputFeedDocumentId"`
	}
	if err := json.Unmarshal(call.Body, &in); err != nil {
		return http.StatusBadRequest, failed("InvalidInput", "the body is no feed: "+err.Error())
	}
	d := s.feeds.documents[in.InputFeedDocumentID]
	if d == nil || !d.uploaded {
		return http.StatusBadRequest, failed("InvalidInput", "there is no such document")
	}
	f := &Feed{
		ID: fmt.Sprintf("%06d", len(s.feeds.byID)+1), Type: in.FeedType, Marketplaces: in.MarketplaceIDs,
		Document: d.content, Status: "IN_QUEUE", looks: s.feeds.looks,
	}
	s.feeds.byID[f.ID] = f
	return http.StatusAccepted, map[string]string{"feedId": f.ID}
}

// state is how the API shows a feed.
type state struct {
	ID      string `json:"feedId"`
	Type    string `json:"feedType"`
	Created string `json:"createdTime"`
	Status  string `json:"processingStatus"`
	Report  string `json:"resultFeedDocumentId,omitempty"`
}

func (s *Server) show(f *Feed) state {
	return state{f.ID, f.Type, s.clock.Now().UTC().Format(time.RFC3339), f.Status, f.report}
}

func (s *Server) getFeed(_ Call, params []string) (int, any) {
	f := s.feeds.byID[params[0]]
	if f == nil {
		return http.StatusNotFound, failed("NotFound", "there is no such feed")
	}
	switch {
	case f.looks > 0:
		f.looks--
		f.Status = "IN_PROGRESS"
	case f.Status == "IN_QUEUE" || f.Status == "IN_PROGRESS":
		s.end(f)
	}
	return http.StatusOK, s.show(f)
}

func (s *Server) getFeeds(call Call, _ []string) (int, any) {
	wanted := strings.Split(call.Query.Get("processingStatuses"), ",")
	out := []state{}
	for _, f := range s.feeds.byID {
		if slices.Contains(wanted, f.Status) {
			out = append(out, s.show(f))
		}
	}
	return http.StatusOK, map[string]any{"feeds": out}
}

func (s *Server) getDocument(call Call, params []string) (int, any) {
	if s.feeds.documents[params[0]] == nil {
		return http.StatusNotFound, failed("NotFound", "there is no such document")
	}
	out := map[string]string{"feedDocumentId": params[0], "url": s.documentURL(call, params[0])}
	if s.feeds.zip {
		out["compressionAlgorithm"] = "GZIP"
	}
	return http.StatusOK, out
}
